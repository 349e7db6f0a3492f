--- What busted prints: a line for each spec file, the failures in full, the names of the skipped
--- tests, and "N passed, N failed, N skipped" at the end, which spec/run.lua reads.

local MARKS = { success = "", pending = "s", failure = "F", error = "E" }

local function write(...)
  io.stdout:write(...)
  io.stdout:flush()
end

local function describe(title, problem)
  local trace = problem.trace or {}
  local text = type(problem.message) == "string" and problem.message or
    require("pl.pretty").write(problem.message)
  write("\n", title, ": ", problem.name or "?", "\n", text, "\n")
  if problem.isError and trace.traceback then
    write((trace.traceback:gsub("^\n", "")), "\n")
  end
end

return function()
  local busted = require "busted"
  local handler = require "busted.outputHandlers.base"()

  local passed

  local function on_file_start(file)
    passed = 0
    write(("%-40s "):format(file.name:gsub("^%./", "")))
    return nil, true
  end

  local function on_test_end(_, _, status)
    passed = passed + (status == "success" and 1 or 0)
    write(MARKS[status])
    return nil, true
  end

  local function on_file_end(file)
    write((" %d passed, %.1f s\n"):format(passed, file.duration or 0))
    return nil, true
  end

  local function on_suite_end()
    for _, pending in ipairs(handler.pendings) do
      write("\nskipped: ", pending.name)
      if type(pending.message) == "string" then
        write(": ", (pending.message:gsub("\n.*", "")))
      end
    end
    for _, failure in ipairs(handler.failures) do
      describe("failed", failure)
    end
    for _, failure in ipairs(handler.errors) do
      describe("error", failure)
    end
    write(("\n%d passed, %d failed, %d skipped\n"):format(handler.successesCount,
      handler.failuresCount + handler.errorsCount, handler.pendingsCount))
    return nil, true
  end

  busted.subscribe({ "file", "start" }, on_file_start)
  busted.subscribe({ "file", "end" }, on_file_end)
  busted.subscribe({ "test", "end" }, on_test_end, { predicate = handler.cancelOnPending })
  busted.subscribe({ "suite", "end" }, on_suite_end)
  return handler
end
