--- busted in this very interpreter, whichever one /usr/bin/busted would take.
require "busted.runner"({ standalone = false })
