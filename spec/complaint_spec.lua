local complaint = require "hocker.complaint"

local function read(body)
  return complaint.read { status = 400, headers = {}, body = body }
end

describe("complaint.read", function()
  local cases = {
    -- distribution-spec
    { '{"errors":[{"code":"NAME_UNKNOWN","message":"no such name","detail":{"name":"a"}}]}',
      "NAME_UNKNOWN: no such name", "NAME_UNKNOWN" },
    { '{"errors":[{"code":"A","message":"one"},{"code":"B"}]}', "A: one (and 1 more error)", "A" },
    { '{"errors":[{"code":"A"},{"code":"B"},{"code":"C"}]}', "A (and 2 more errors)", "A" },
    { '{"errors":[{"code":1,"message":null},{"message":"two"}]}', "two (and 1 more error)" },
    { '{"errors":[{"code":"DENIED","message":"DENIED"}]}', "DENIED", "DENIED" },
    { '{"errors":["x"]}', "x" },
    { '{"errors":[]}', nil },
    -- Harbor, Artifactory, GitLab, Quay, Azure, Google, token servers, problems
    { '{"errors":[{"code":"NOT_FOUND","message":"artifact a/b:c not found"}]}',
      "NOT_FOUND: artifact a/b:c not found", "NOT_FOUND" },
    { '{"errors":[{"status":401,"message":"Bad credentials"}]}', "Bad credentials" },
    { '{"message":"404 Project Not Found"}', "404 Project Not Found" },
    { '{"error":"invalid_token","error_description":"Token was revoked."}',
      "invalid_token: Token was revoked.", "invalid_token" },
    { '{"status":404,"error_message":"Not Found","title":"not_found","error_type":"not_found"}',
      "Not Found" },
    { '{"error":{"code":"AuthorizationFailed","message":"no"}}', "AuthorizationFailed: no",
      "AuthorizationFailed" },
    { '{"error":{"code":404,"message":"Repository \\"a\\" not found","status":"NOT_FOUND"}}',
      'Repository "a" not found' },
    { '{"details":"incorrect username or password"}', "incorrect username or password" },
    { '{"title":"Too much","detail":"slow down"}', "slow down" },
    { '{"errors":null,"message":"m"}', "m" },
    { '{"errors":"no such thing"}', "no such thing" },
    { '{"Message":"User: x is not authorized","__type":"AccessDenied"}',
      "User: x is not authorized" },
    { '{"Code":"DENIED","Message":"no"}', "DENIED: no", "DENIED" },
    { '{"errorMessage":"repo missing"}', "repo missing" },
    { '{"status":"error","msg":"go away"}', "go away" },
    { '{"Message":"A","message":"a"}', "a" },
    -- others
    { '{"ok": false,\n "why": ["be", "cause"]}', '{"ok": false, "why": ["be", "cause"]}' },
    { '[{}, {"x": "1"}]', '[{}, {"x": "1"}]' },
    { '{"errors":[{"code":1,"message":2}]}', nil },
    { '{"message":{},"errors":[[null]],"x":true}', nil },
    { '"text"', "text" },
    { "{}", nil }, { "[]", nil }, { "null", nil }, { "1", nil }, { '{"message":{}}', nil },
    -- web pages, object stores
    { "<html><head><title>502 Bad\n Gateway</title></head><body>x</body></html>",
      "502 Bad Gateway" },
    { "<!DOCTYPE html><TITLE lang='en'>Q&amp;A &lt;1&gt;</TITLE>", "Q&A <1>" },
    { "<html><title></title><pre>no</pre><h1>oh <b>no</b></h1></html>", "oh no" },
    { "<html>nothing</html>", "nothing" },
    { '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message>' ..
      "</Error>", "AccessDenied: Access Denied", "AccessDenied" },
    { "<html>", nil },
    -- plain text, and none
    { "no such route\nand more\n", "no such route" },
    { "\r\n\t  first\tline  \r\nsecond", "first line" },
    { '{"errors":[{"code":"CUT', '{"errors":[{"code":"CUT' },
    { "\27[31mred", "\27[31mred" }, -- whoever prints it escapes it
    { "", nil }, { " \n", nil }, { "a\0b", nil }, { "\31\139\8\0\255", nil }, { "caf\233", nil },
  }
  for _, case in ipairs(cases) do
    it(("makes one line of %q"):format(case[1]), function()
      local text, code = read(case[1])
      assert.equal(case[2], text)
      assert.equal(case[3], code)
    end)
  end

  it("shortens what is long, between characters, and keeps the count", function()
    local text = read(("é"):rep(500))
    assert.equal(("é"):rep(148) .. "...", text)
    text = read(('{"errors":[{"message":"%s"},{}]}'):format(("x"):rep(999)))
    assert.is_true(#text <= 300)
    assert.matches("%.%.%. %(and 1 more error%)$", text)
  end)

  it("takes its time for nobody", function()
    local started = os.clock()
    for _, unit in ipairs { "<", "<p", "<p>", " ", "<title>", "[" } do read(unit:rep(65536)) end
    assert.is_true(os.clock() - started < 5)
  end)

  it("has nothing to say of no response", function()
    assert.is_nil(complaint.read(nil))
  end)
end)
