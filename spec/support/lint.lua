--- The checks that need no build. Run from the root of the repository.

local luacheck = os.getenv("LUACHECK") or "luacheck"

local BANNED = "strcpy|strcat|sprintf|gets|strtok|atoi|strtol|system|popen|setenv"

local SOURCES = "core bindings scripts templates spec examples fuzz bench man nix flake.nix " ..
  "default.nix"

--- Each is a name and a shell command that has to succeed.
local checks = {
  { "luacheck", luacheck .. " --quiet --no-color scripts templates spec bindings examples man " ..
    "bench" },
  { "the core includes no Lua header",
    [=[! grep -nE '#[[:space:]]*include.*(lua|lauxlib)' core/*.[ch]]=] },
  { "no banned function in C", [=[! grep -nE '(^|[^_[:alnum:]>.])(]=] .. BANNED ..
    [=[)[[:space:]]*\(' core/*.[ch] bindings/*.[ch]]=] },
  { "no white space at the end of a line", [=[! grep -rsnE '[[:space:]]+$' Makefile ]=] ..
    [=[--include='*.[ch]' --include='*.lua' --include='*.nix' --include='*.sh' ]=] .. SOURCES },
  { "shell scripts parse", [=[sh -n .ci/install && bash -n .ci/run && \
    for script in examples/*.sh spec/support/*.sh; do sh -n "$script" || exit; done]=] },
}

local passed, failed = 0, 0
for _, check in ipairs(checks) do
  io.stdout:write("lint: ", check[1], "\n")
  io.stdout:flush()
  if os.execute(check[2]) then
    passed = passed + 1
  else
    print("not ok: " .. check[1])
    failed = failed + 1
  end
end
print(("%d passed, %d failed, 0 skipped"):format(passed, failed))
os.exit(failed == 0)
