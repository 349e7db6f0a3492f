local credentials = require "hocker.credentials"

local SECRET = "hunter2"

--- A file of this text; removed after the test.
local paths = {}
local function file(text)
  local path = os.tmpname()
  paths[#paths + 1] = path
  local handle = assert(io.open(path, "wb"))
  handle:write(text)
  handle:close()
  return path
end

after_each(function()
  for i, path in ipairs(paths) do
    os.remove(path)
    paths[i] = nil
  end
end)

local function plain(cred)
  return { cred.kind, cred.username or cred.token, cred.password }
end

describe("credentials.from_file", function()
  local good = {
    { "both", "USERNAME=me\nPASSWORD=hunter2\n", { "basic", "me", "hunter2" } },
    { "both, in the other order", "PASSWORD=hunter2\nUSERNAME=me\n", { "basic", "me", "hunter2" } },
    { "no newline at the end", "USERNAME=me\nPASSWORD=hunter2", { "basic", "me", "hunter2" } },
    { "a token", "BEARER_TOKEN=abc.def-_~+/==\n", { "bearer", "abc.def-_~+/==" } },
    { "a token without a newline", "BEARER_TOKEN=a", { "bearer", "a" } },
    { "values with =", "USERNAME=a=b\nPASSWORD==c=\n", { "basic", "a=b", "=c=" } },
    { "values with blanks", "USERNAME= a \nPASSWORD= b # c\n", { "basic", " a ", " b # c" } },
    { "a password with a colon", "USERNAME=me\nPASSWORD=a:b\n", { "basic", "me", "a:b" } },
    { "CRLF", "USERNAME=me\r\nPASSWORD=hunter2\r\n", { "basic", "me", "hunter2" } },
    { "CR at the end", "BEARER_TOKEN=a\r", { "bearer", "a" } },
    { "blank lines", "\n\r\nUSERNAME=me\n\n\nPASSWORD=hunter2\n\n", { "basic", "me", "hunter2" } },
    { "UTF-8", "USERNAME=é\nPASSWORD=ü\n", { "basic", "é", "ü" } },
    { "a long token", "BEARER_TOKEN=" .. ("x"):rep(60000), { "bearer", ("x"):rep(60000) } },
  }
  for _, case in ipairs(good) do
    it("reads " .. case[1], function()
      local path = file(case[2])
      local cred = assert(credentials.from_file(path))
      assert.same(case[3], plain(cred))
      assert.equal(path, cred.source)
    end)
  end

  local bad = {
    { "nothing", "", "needs USERNAME= and PASSWORD= lines" },
    { "blank lines", "\n\n", "needs USERNAME= and PASSWORD= lines" },
    { "a user name alone", "USERNAME=hunter2\n", "needs USERNAME= and PASSWORD= lines" },
    { "a password alone", "PASSWORD=hunter2\n", "needs USERNAME= and PASSWORD= lines" },
    { "a token and a password", "BEARER_TOKEN=hunter2\nPASSWORD=hunter2\n", "or one BEARER_T" },
    { "all three", "BEARER_TOKEN=hunter2\nPASSWORD=hunter2\nUSERNAME=me", "or one BEARER_TOKEN=" },
    { "a password twice", "USERNAME=me\nPASSWORD=hunter2\nPASSWORD=hunter2",
      "line 3: PASSWORD is there twice" },
    { "a token twice", "BEARER_TOKEN=a\nBEARER_TOKEN=a", "line 2: BEARER_TOKEN is there twice" },
    { "an unknown key", "USERNAME=me\nPASSWORD=hunter2\nHUNTER2=x\n", "line 3: begins with none" },
    { "a key of the Nix fetchers", "DOCKER_USER=me\nDOCKER_PASS=hunter2\n", "line 1: begins" },
    { "a key in small letters", "username=me\npassword=hunter2\n", "line 1: begins with none" },
    { "a blank before the key", " USERNAME=me\nPASSWORD=hunter2\n", "line 1: begins with none" },
    { "a blank after the key", "USERNAME =me\nPASSWORD=hunter2\n", "line 1: begins with none" },
    { "a comment", "# hunter2\nBEARER_TOKEN=a\n", "line 1: begins with none" },
    { "a line of blanks", "BEARER_TOKEN=a\n  \n", "line 2: begins with none" },
    { "no =", "hunter2\n", "line 1: begins with none" },
    { "a password of two lines", "USERNAME=me\nPASSWORD=a\nhunter2\n", "line 3: begins with none" },
    { "an empty user name", "USERNAME=\nPASSWORD=hunter2\n", "the user name is empty" },
    { "an empty password", "USERNAME=me\nPASSWORD=\n", "the password is empty" },
    { "an empty token", "BEARER_TOKEN=\n", "the token is empty" },
    { "a user name with a colon", "USERNAME=a:hunter2\nPASSWORD=x\n", "the user name has a ':'" },
    { "a CR in a user name", "USERNAME=m\re\nPASSWORD=hunter2\n", "a control character" },
    { "a NUL in a password", "USERNAME=me\nPASSWORD=hunter2\0\n", "a zero byte" },
    { "a blank in a token", "BEARER_TOKEN=hunter2 x\n", "the token has a space" },
    { "a token that is not ASCII", "BEARER_TOKEN=hunter2é\n", "not ASCII" },
    { "too much", "BEARER_TOKEN=" .. ("x"):rep(70000), "has more than 65536 bytes" },
  }
  for _, case in ipairs(bad) do
    it("refuses " .. case[1], function()
      local cred, err = credentials.from_file(file(case[2]))
      assert.is_nil(cred)
      assert.equal("usage", err.code)
      assert.is_truthy(err.message:find(case[3], 1, true), err.message)
      assert.is_nil(err.message:lower():find(SECRET, 1, true))
    end)
  end

  it("says why a file cannot be read", function()
    local cred, err = credentials.from_file("/nonexistent/credentials")
    assert.is_nil(cred)
    assert.equal("io", err.code)
    assert.equal("credentials file /nonexistent/credentials: No such file or directory",
      err.message)
    assert.equal(2, err.sys)
    cred, err = credentials.from_file("/")
    assert.is_nil(cred)
    assert.equal("io", err.code)
    assert.matches("Is a directory", err.message)
  end)

  it("does not read without end", function()
    local cred, err = credentials.from_file("/dev/zero")
    assert.is_nil(cred)
    assert.matches("has more than", err.message)
  end)
end)

describe("credentials.from_flags", function()
  --- A stand-in for standard input.
  local function input(text)
    return { read = function(_, count) return text and text:sub(1, count) end }
  end

  it("is nothing when no flag is given", function()
    assert.same({ n = 1 }, table.pack(credentials.from_flags {}))
    assert.is_nil((credentials.from_flags { password_stdin = false }))
  end)

  local good = {
    { { username = "me", password = "hunter2" }, { "basic", "me", "hunter2" },
      "--username and --password" },
    { { token = "abc" }, { "bearer", "abc" }, "--token" },
    { { username = "me", password_stdin = true }, { "basic", "me", "hunter2" },
      "--username and --password-stdin", "hunter2" },
    { { username = "me", password_stdin = true }, { "basic", "me", "hunter2" },
      "--username and --password-stdin", "hunter2\n" },
    { { username = "me", password_stdin = true }, { "basic", "me", "hunter2" },
      "--username and --password-stdin", "hunter2\r\n" },
    { { username = "me", password_stdin = true }, { "basic", "me", " hunter2 " },
      "--username and --password-stdin", " hunter2 \n" },
    { { token = "abc", password_stdin = false }, { "bearer", "abc" }, "--token" },
  }
  for _, case in ipairs(good) do
    it("takes " .. case[3] .. (case[4] and (" %q"):format(case[4]) or ""), function()
      local cred = assert(credentials.from_flags(case[1], input(case[4])))
      assert.same(case[2], plain(cred))
      assert.equal(case[3], cred.source)
    end)
  end

  it("takes --credentials-file", function()
    local path = file("BEARER_TOKEN=abc\n")
    local cred = assert(credentials.from_flags { credentials_file = path })
    assert.same({ "bearer", "abc" }, plain(cred))
    assert.equal(path, cred.source)
    assert.is_nil((credentials.from_flags { credentials_file = "/nonexistent" }))
  end)

  local bad = {
    { { username = SECRET }, "--username needs --password-stdin or --password" },
    { { password = SECRET }, "need --username" },
    { { password_stdin = true }, "need --username" },
    { { username = "me", password = SECRET, password_stdin = true }, "exclude each other" },
    { { username = "me", password = SECRET, token = SECRET }, "--username and --token exclude" },
    { { username = "me", token = SECRET }, "--username and --token exclude" },
    { { password = SECRET, token = SECRET }, "exclude each other" },
    { { token = SECRET, credentials_file = "x" }, "--token and --credentials-file exclude" },
    { { username = "me", password = SECRET, credentials_file = "x" }, "exclude each other" },
    { { username = "me", password = SECRET, token = SECRET, credentials_file = "x" },
      "--username and --token and --credentials-file exclude" },
    { { username = "", password = SECRET }, "the user name is empty" },
    { { username = "me", password = "" }, "the password is empty" },
    { { token = "" }, "the token is empty" },
    { { username = SECRET .. ":x", password = SECRET }, "has a ':'" },
    { { username = "m\ne", password = SECRET }, "a control character" },
    { { token = SECRET .. "\r\nX: y" }, "the token has a space" },
    { { username = "me", password_stdin = true }, "the password is empty", "\n" },
    { { username = "me", password_stdin = true }, "the password is empty", "" },
    { { username = "me", password_stdin = true }, "nothing came on standard input", nil },
    { { username = "me", password_stdin = true }, "more than 65536", SECRET .. ("x"):rep(70000) },
  }
  for i, case in ipairs(bad) do
    it(("refuses %d: %s"):format(i, case[2]), function()
      local cred, err = credentials.from_flags(case[1], input(case[3]))
      assert.is_nil(cred)
      assert.equal("usage", err.code)
      assert.is_truthy(err.message:find(case[2], 1, true), err.message)
      assert.is_nil(err.message:find(SECRET, 1, true))
    end)
  end

  it("raises for flags that it does not know", function()
    assert.has_error(function() credentials.from_flags { user = "me" } end)
    assert.has_error(function() credentials.from_flags { username = 1 } end)
    assert.has_error(function() credentials.from_flags { password_stdin = "yes" } end)
  end)

  it("never prints a secret", function()
    for _, flags in ipairs { { username = "me", password = SECRET }, { token = SECRET } } do
      local cred = assert(credentials.from_flags(flags))
      assert.is_nil(tostring(cred):find(SECRET, 1, true))
      assert.is_nil(("%s"):format(cred):find(SECRET, 1, true))
      assert.matches("%-%-", tostring(cred))
    end
  end)
end)
