local netrc = require "hocker.netrc"

local function find(text, ...)
  local names = {}
  for _, name in ipairs { ... } do names[name] = true end
  local entries = assert(netrc.parse(text, "the file"))
  local entry = netrc.find(entries, names)
  return entry and entry.login .. ":" .. entry.password
end

describe("netrc", function()
  -- text, and what "reg.example" gets
  local good = {
    { "one line", "machine reg.example login me password pw", "me:pw" },
    { "many lines", "machine reg.example\n\tlogin me\n\tpassword pw\n", "me:pw" },
    { "any order", "machine reg.example password pw login me", "me:pw" },
    { "CRLF", "machine reg.example\r\nlogin me\r\npassword pw\r\n", "me:pw" },
    { "other machines", "machine a login x password y machine reg.example login me password pw\n" ..
      "machine b login x password y", "me:pw" },
    { "the first of two", "machine reg.example login me password pw\n" ..
      "machine reg.example login you password wp", "me:pw" },
    { "one that is whole", "machine reg.example login you\n" ..
      "machine reg.example login me password pw", "me:pw" },
    { "an account", "machine reg.example login me account x password pw", "me:pw" },
    { "capital letters in a host", "machine REG.Example login me password pw", "me:pw" },
    { "the default", "machine a login x password y\ndefault login me password pw", "me:pw" },
    { "the default first", "default login me password pw machine reg.example login x password y",
      "me:pw" },
    { "not the default of FTP", "default login anonymous password me@example.org", nil },
    { "quotes", [[machine "reg.example" login "m e" password "p\"w\\ \n#"]], 'm e:p"w\\ \n#' },
    { "an empty value", 'machine reg.example login me password ""', "me:" },
    { "comments", "# machine reg.example login x password y\nmachine reg.example # login x\n" ..
      "login me #password x\npassword pw", "me:pw" },
    { "a value with #", "machine reg.example login me password #pw", "me:#pw" },
    { "macros", "macdef init\nmachine reg.example login x password y\n\n" ..
      "machine reg.example login me password pw\nmacdef z\nbye", "me:pw" },
    { "words that nobody knows", "version 2 machine reg.example port 5 login me password pw",
      "me:pw" },
    { "keywords as values", "machine reg.example login login password machine", "login:machine" },
    { "nothing", "", nil },
    { "blanks", " \n\n\t", nil },
    { "half an entry", "machine reg.example login me\n", nil },
    { "no machine", "login me password pw", nil },
    { "another machine", "machine other.example login me password pw", nil },
  }
  for _, case in ipairs(good) do
    it("reads " .. case[1], function()
      assert.equal(case[3], find(case[2], "reg.example"))
    end)
  end

  local bad = {
    { "a keyword at the end", "machine a\nlogin", "line 2: login has no value" },
    { "a quote that is never closed", 'machine a login "s3cret', "line 1: login has no value" },
    { "a quote over a line's end", '\nmachine a password "s3cret\n"', "line 2: password has no" },
    { "an escape at the end", 'machine a password "s3cret\\', "line 1" },
  }
  for _, case in ipairs(bad) do
    it("refuses " .. case[1] .. ", and names the line only", function()
      local entries, err = netrc.parse(case[2], "the file")
      assert.is_nil(entries)
      assert.equal("usage", err.code)
      assert.matches("the file: " .. case[3], err.message, 1, true)
      assert.not_matches("s3cret", err.message, 1, true)
    end)
  end
end)
