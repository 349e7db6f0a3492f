# hocker: the only build file. `make help` lists the targets.
#
# Everything that is made lies under $(BUILD). A variant is another BUILD with other flags:
# `make SANITIZE=address,undefined BUILD=build/asan` is what `make asan` runs.

PREFIX ?= /usr/local
DESTDIR ?=
BUILD ?= build
SANITIZE ?=
V ?=

CC ?= cc
LUA ?= lua5.4
PKG_CONFIG ?= pkg-config
INSTALL ?= install
OBJCOPY ?= objcopy
LUACHECK ?= luacheck
READELF ?= readelf

LUAVER := 5.4
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
PKGCONFIGDIR ?= $(LIBDIR)/pkgconfig
LUADIR ?= $(PREFIX)/share/lua/$(LUAVER)
LUACDIR ?= $(PREFIX)/lib/lua/$(LUAVER)
MANDIR ?= $(PREFIX)/share/man
NIXDIR ?= $(PREFIX)/share/hocker/nix

# lua-cjson's module, cjson.so, where it is no package of pkg-config.
CJSON ?=
# What the Lua module alone does without: its symbols come from the interpreter that loads it.
LUA_PKGS ?= lua$(LUAVER) $(if $(CJSON),,lua$(LUAVER)-cjson)
PKGS := $(LUA_PKGS) libcurl libssl libcrypto zlib libzstd libpsl
# ISA-L inflates twice as fast as zlib; `make ISAL=` builds without it.
ISAL ?= $(shell $(PKG_CONFIG) --exists libisal 2>/dev/null && echo 1)
ifneq ($(ISAL),)
PKGS += libisal
endif
# Opens these libraries at their first use, for which core/late.h has the reason; `make LATE=` links
# them. So does a sanitizer, which has to see all libraries from the start.
LATE ?= $(if $(SANITIZE),,curl ssl crypto psl zstd $(if $(ISAL),isal))
# With LATE_PATH=1 each is opened by its whole path, where the loader knows no folder to look in.
LATE_PATH ?=

CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wconversion \
	-Wno-sign-conversion -Wvla -Wpointer-arith -Werror=implicit-function-declaration
ifneq ($(WERROR),)
WARNINGS += -Werror
endif
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS) 2>/dev/null)
CORE_LIBS := $(shell $(PKG_CONFIG) --libs $(filter-out lua%,$(PKGS)) 2>/dev/null)
LUA_LIBS := $(shell $(PKG_CONFIG) --libs $(filter lua%,$(PKGS)) 2>/dev/null)
# The program starts faster with Lua in itself, which it has where there are archives of it; `make
# LUA_STATIC=` links the libraries.
LUA_ARCHIVES := $(foreach lib,$(filter -llua%,$(LUA_LIBS)),$(shell \
	$(CC) -print-file-name=$(lib:-l%=lib%.a)))
LUA_STATIC ?= $(if $(filter-out /%,$(LUA_ARCHIVES)),,1)
PROGRAM_LIBS = $(CORE_LIBS) $(CJSON) $(if $(LUA_STATIC),$(LUA_ARCHIVES) -lm -ldl,$(LUA_LIBS))
ALL_CPPFLAGS = -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 $(if $(ISAL),-DHK_WITH_ISAL) \
	$(if $(LATE),-DHK_LATE -I$(BUILD)) $(CPPFLAGS) $(PKG_CFLAGS)
ALL_CFLAGS = -std=c11 -pthread -fPIC -fvisibility=hidden $(WARNINGS) $(CFLAGS) \
	$(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all)
ALL_LDFLAGS = -pthread -Wl,--as-needed $(LDFLAGS) $(if $(SANITIZE),-fsanitize=$(SANITIZE))

CORE := $(wildcard core/*.c)
HOST := bindings/host.c bindings/main.c bindings/pool.c
BINDINGS := $(filter-out $(HOST),$(wildcard bindings/*.c))
VERSION := $(shell sed -n 's/^.define HK_VERSION "\(.*\)"$$/\1/p' core/hocker.h)
# Of the library for other programs: a new first number is a new interface.
SONAME := libhocker.so.$(firstword $(subst ., ,$(VERSION)))
HEADERS := core/hocker.h $(shell sed -n 's/^.include "\(.*\)"$$/core\/\1/p' core/hocker.h) bindings/host.h
SCRIPTS := $(sort $(shell find scripts templates -name '*.lua'))
MODULE_SCRIPTS := $(SCRIPTS) $(sort $(wildcard templates/nix/lib/*.nix))

obj = $(patsubst %.c,$(BUILD)/%.o,$(1))
COMMANDS := hocker-image hocker-layer hocker-config hocker-manifest docker2nix
FUZZERS := $(patsubst fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard fuzz/fuzz_*.c))
SECONDS ?= 60
UNITS := $(patsubst spec/c/%.c,$(BUILD)/spec/%,$(wildcard spec/c/test_*.c))
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-6s %s\n' $(1) $(2);)

.PHONY: all programs module library help deps demo check test unit replay lint asan tsan assertions fuzz docs \
	install install-program install-module install-manual install-rock install-library uninstall clean
.DELETE_ON_ERROR:

all: programs module library
programs: $(BUILD)/bin/hocker $(addprefix $(BUILD)/bin/,$(COMMANDS))
module: $(BUILD)/lua/hocker/core.so
library: $(BUILD)/lib/libhocker.a $(BUILD)/lib/libhocker.so.$(VERSION)

help:
	@echo 'make            build build/bin/hocker, its five links, build/lua/hocker/core.so and'
	@echo '                build/lib/libhocker, for C programs'
	@echo 'make demo       install what is missing, and show everything on a local registry'
	@echo 'make check      install what the tests need, and run all of them'
	@echo 'make test       the specs and unit tests, with what is installed'
	@echo 'make install    PREFIX=/usr/local DESTDIR=; make uninstall takes it back'
	@echo 'make bench      measure, beside skopeo, into docs/measurements.md; PARTS= SIZE=small REPEAT=5'
	@echo 'make assertions the tests of what is Lua in each release of it that Debian has, which checks its'
	@echo '                callers; or LUA_SOURCE="DIR..." has their sources'
	@echo 'make lint asan tsan fuzz docs clean'

.PHONY: libraries
libraries:
	@$(PKG_CONFIG) --exists --print-errors $(PKGS) || \
		{ echo 'hocker: libraries are missing: "make deps" installs them'; exit 1; }

# --- the library, the Lua module, the program ---------------------------------------------

# For sed: the name of a library that is needed, and with LATE_PATH the folder where the linker has
# found it, which pkg-config does not always know.
late_folder = $(if $(LATE_PATH),'"$$(realpath "$$(sed -n 's|/lib$(1)\.so$$||p' $@.files)")/"')
late_name = 's|.*(NEEDED).*\[\(lib$(1)[-.].*\)\]$$|\#define HK_SONAME_$(1) "$(late_folder)\1"|p'

# What would have been noted as needed: the linker is asked with all of them.
$(BUILD)/sonames.h: Makefile | libraries
	@mkdir -p $(@D)
	$(call say,NAMES,$@)$(CC) -shared -Wl,--no-as-needed,--trace $(LDFLAGS) -o $@.so $(CORE_LIBS) >$@.files
	$(Q)$(READELF) -d $@.so | sed -n >$@ $(foreach lib,$(LATE),-e $(call late_name,$(lib)))
	$(Q)rm $@.so $@.files; test $$(wc -l <$@) = $(words $(LATE)) || \
		{ echo 'hocker: not all of $(LATE) are shared libraries here: use "make LATE="'; exit 1; }
	$(if $(LATE_PATH),$(Q)ls >/dev/null $$(sed 's/.* "\(.*\)"/\1/' $@))

$(BUILD)/%.o: %.c $(if $(LATE),$(BUILD)/sonames.h) | libraries
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/core.a: $(call obj,$(CORE))
	$(call say,AR,$@)rm -f $@ && $(AR) rcs $@ $^

# Lua's own symbols come from the interpreter that loads the module.
$(BUILD)/lua/hocker/core.so: $(call obj,$(BINDINGS)) $(BUILD)/core.a
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) -shared -Wl,--exclude-libs,ALL $(ALL_LDFLAGS) -o $@ $^ $(CORE_LIBS)

$(BUILD)/embedded.c: bindings/embed.lua $(SCRIPTS)
	@mkdir -p $(@D)
	$(call say,EMBED,$@)$(LUA) bindings/embed.lua $@ $(SCRIPTS)

$(BUILD)/text/embedded.c: bindings/embed.lua $(SCRIPTS)
	@mkdir -p $(@D)
	$(call say,EMBED,$@)$(LUA) bindings/embed.lua $@ --text $(SCRIPTS)

$(BUILD)/embedded.o $(BUILD)/text/embedded.o: %.o: %.c
	$(call say,CC,$<)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -Ibindings -c -o $@ $<

$(BUILD)/bin/hocker: $(call obj,$(HOST) $(BINDINGS)) $(BUILD)/embedded.o $(BUILD)/core.a
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PROGRAM_LIBS)
	$(Q)$@ --version >/dev/null || { echo 'hocker: $@ does not run. What compiled its scripts,' \
		'"$(LUA)", must be the Lua that is linked: "make LUA=..." names another' >&2; exit 1; }

$(addprefix $(BUILD)/bin/,$(COMMANDS)): $(BUILD)/bin/hocker
	$(Q)ln -sf hocker $@

# --- the library for C programs -------------------------------------------------------------

# The host includes a header of the core as it does where both are installed.
$(call obj,$(HOST)): ALL_CPPFLAGS += -Icore

# Nothing is opened late here: that would end another's program when a library is missing, and can't
# be done in one that is linked statically.
LINKED := $(patsubst %.c,$(BUILD)/$(if $(LATE),linked/)%.o,$(CORE))
EMBEDDING := $(call obj,$(BINDINGS) $(filter-out %/main.c,$(HOST))) $(BUILD)/text/embedded.o
LIBRARY := $(LINKED) $(EMBEDDING)

$(BUILD)/linked/%.o: %.c | libraries
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(filter-out -DHK_LATE,$(ALL_CPPFLAGS)) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# One object, in which what is hidden is local, as it is in the shared library.
$(BUILD)/lib/libhocker.a: $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,AR,$@)$(CC) -r -nostdlib -o $(@:.a=.o) $^ && $(OBJCOPY) --localize-hidden $(@:.a=.o) && \
		rm -f $@ && $(AR) rcs $@ $(@:.a=.o)

$(BUILD)/lib/libhocker.so.$(VERSION): $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) -shared -Wl,-soname,$(SONAME) $(ALL_LDFLAGS) -o $@ $^ $(CORE_LIBS) $(CJSON) $(LUA_LIBS)

# --- tests ----------------------------------------------------------------------------------

# The core is built once more with tiny blocks, so that every boundary is crossed.
$(BUILD)/spec/test_%: spec/c/test_%.c $(wildcard spec/c/*.h) $(BUILD)/core.a
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CPPFLAGS) -Icore $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< \
		$(BUILD)/core.a $(CORE_LIBS)

$(BUILD)/spec/test_host: $(EMBEDDING)
$(BUILD)/spec/test_bindings: $(call obj,$(BINDINGS))
$(BUILD)/spec/test_host $(BUILD)/spec/test_bindings: $(BUILD)/spec/%: spec/c/%.c $(wildcard spec/c/*.h) \
		$(BUILD)/core.a
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CPPFLAGS) -Icore -Ibindings $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ \
		$(filter-out %.h %.a,$^) $(BUILD)/core.a $(CORE_LIBS) $(LUA_LIBS)

unit: $(UNITS)

# The corpora, without a fuzzer: each input must be survived.
$(BUILD)/fuzz/fuzz_%: fuzz/fuzz_%.c fuzz/replay.c $(BUILD)/core.a
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CPPFLAGS) -Icore $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(CORE_LIBS)

replay: $(FUZZERS)

# A session of each fuzzer, of SECONDS, with what it finds kept under $(BUILD).
fuzz: LATE =
fuzz:
	$(Q)for name in $(notdir $(FUZZERS)); do \
		mkdir -p $(BUILD)/libfuzzer/$$name && \
		clang $(ALL_CPPFLAGS) -Icore -std=c11 -g -O1 -pthread -fsanitize=fuzzer,address,undefined \
			-o $(BUILD)/libfuzzer/$$name/run fuzz/$$name.c $(CORE) $(CORE_LIBS) && \
		$(BUILD)/libfuzzer/$$name/run -max_total_time=$(SECONDS) -max_len=4096 \
			$(BUILD)/libfuzzer/$$name fuzz/corpus/$${name#fuzz_} || exit; done

deps:
	$(Q).ci/install build

demo:
	$(Q).ci/install build demo
	$(Q)$(MAKE) --no-print-directory all
	$(Q)examples/demo.sh $(BUILD)

check:
	$(Q).ci/install build demo test $(if $(filter true,$(CI))$(filter 1,$(ALL)),clients)
	$(Q)$(MAKE) --no-print-directory test

test:
	$(Q)LUA=$(LUA) LUACHECK=$(LUACHECK) MAKE=$(MAKE) $(LUA) spec/run.lua $(RUNS)

lint:
	$(Q)$(LUA) spec/run.lua lint

asan tsan assertions:
	$(Q)$(LUA) spec/run.lua $@

docs: $(BUILD)/lua/hocker/core.so
	LUA_PATH='scripts/?.lua;scripts/?/init.lua' LUA_CPATH='$(BUILD)/lua/?.so;;' \
		$(LUA) man/generate.lua man
	$(LUA) docs/generate.lua docs/api

# --- measurements ---------------------------------------------------------------------------

$(BUILD)/bench/%: bench/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< $(CORE_LIBS)

.PHONY: bench bench-programs
bench-programs: all $(BUILD)/bench/floor $(BUILD)/bench/measure

bench: bench-programs
	$(Q)$(MAKE) --no-print-directory bench-programs BUILD=$(BUILD)/bench/zlib ISAL=
	$(Q)HOCKER_BUILD=$(BUILD) ISAL='$(ISAL)' SIZE='$(SIZE)' REPEAT='$(REPEAT)' OUT='$(OUT)' \
		PARTS='$(PARTS)' $(LUA) bench/run.lua

# --- installation ---------------------------------------------------------------------------

install: all install-program install-module install-manual install-library
# LuaRocks installs programs of its own.
install-rock: install-module install-manual

# Commands and templates are in the program. What Nix imports is files in any case.
install-program:
	$(INSTALL) -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(NIXDIR)'
	$(INSTALL) -m 755 $(BUILD)/bin/hocker '$(DESTDIR)$(PREFIX)/bin/hocker'
	for name in $(COMMANDS); do ln -sf hocker '$(DESTDIR)$(PREFIX)/bin/'$$name || exit; done
	$(INSTALL) -m 644 templates/nix/lib/*.nix '$(DESTDIR)$(NIXDIR)'

install-manual:
	$(INSTALL) -d '$(DESTDIR)$(MANDIR)/man1'
	$(INSTALL) -m 644 man/*.1 '$(DESTDIR)$(MANDIR)/man1'

# For plain Lua, commands and templates lie beside the library.
install-module: module
	$(INSTALL) -d '$(DESTDIR)$(LUACDIR)/hocker'
	$(INSTALL) -m 755 $(BUILD)/lua/hocker/core.so '$(DESTDIR)$(LUACDIR)/hocker/core.so'
	$(Q)for file in $(MODULE_SCRIPTS); do \
		name=$${file#scripts/}; to='$(DESTDIR)$(LUADIR)/hocker/'$${name#hocker/}; \
		$(INSTALL) -d "$${to%/*}" && $(INSTALL) -m 644 $$file "$$to" || exit; done

# Where to find what was installed, for compilers.
PC := -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(patsubst $(PREFIX)/%,$${prefix}/%,$(LIBDIR))|' \
	-e 's|@INCLUDEDIR@|$(patsubst $(PREFIX)/%,$${prefix}/%,$(INCLUDEDIR))|' \
	-e 's|@VERSION@|$(VERSION)|' -e 's|@LUA@|$(firstword $(PKGS))|' \
	-e 's|@PRIVATE@|$(wordlist 2,$(words $(PKGS)),$(PKGS))|' -e 's|@LIBS@|-pthread $(CJSON)|'

install-library: library
	$(INSTALL) -d '$(DESTDIR)$(LIBDIR)' '$(DESTDIR)$(PKGCONFIGDIR)' '$(DESTDIR)$(INCLUDEDIR)/hocker'
	$(INSTALL) -m 644 $(BUILD)/lib/libhocker.a '$(DESTDIR)$(LIBDIR)'
	$(INSTALL) -m 755 $(BUILD)/lib/libhocker.so.$(VERSION) '$(DESTDIR)$(LIBDIR)'
	ln -sf libhocker.so.$(VERSION) '$(DESTDIR)$(LIBDIR)/$(SONAME)'
	ln -sf $(SONAME) '$(DESTDIR)$(LIBDIR)/libhocker.so'
	$(INSTALL) -m 644 $(HEADERS) '$(DESTDIR)$(INCLUDEDIR)/hocker'
	sed $(PC) bindings/hocker.pc.in >'$(DESTDIR)$(PKGCONFIGDIR)/hocker.pc'
	chmod 644 '$(DESTDIR)$(PKGCONFIGDIR)/hocker.pc'

uninstall:
	for name in hocker $(COMMANDS); do rm -f '$(DESTDIR)$(PREFIX)/bin/'$$name || exit; done
	for name in $(notdir $(wildcard man/*.1)); do rm -f '$(DESTDIR)$(MANDIR)/man1/'$$name || exit; done
	for name in libhocker.a libhocker.so $(SONAME) libhocker.so.$(VERSION); do \
		rm -f '$(DESTDIR)$(LIBDIR)/'$$name || exit; done
	rm -f '$(DESTDIR)$(PKGCONFIGDIR)/hocker.pc'
	rm -rf '$(DESTDIR)$(LUACDIR)/hocker' '$(DESTDIR)$(LUADIR)/hocker' '$(DESTDIR)$(NIXDIR)' \
		'$(DESTDIR)$(INCLUDEDIR)/hocker'
	rmdir '$(DESTDIR)$(PREFIX)/share/hocker' 2>/dev/null || true

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
