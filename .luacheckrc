std = "lua54"
max_line_length = 100
max_comment_line_length = 160 -- annotations can't be wrapped
exclude_files = { "build" }
ignore = {
  "211/guard", "211/scope", -- are only there to be closed
  "212/self", -- a method that has no use for its object
}
files["spec"] = { std = "lua54+busted" }
files["scripts/hocker/scripting.lua"] = { globals = { "os.exit" } }
files["scripts/hocker/host.lua"] = { globals = { "print", "io.stdout", "io.stderr", "os.exit" } }
files["man"] = { max_line_length = false } -- text for people
