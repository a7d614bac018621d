# rollout-worker: one non-recursive Makefile. `make help` lists the targets.
#
# Knobs (give them on the command line):
#   DEVELOPER=1         warnings are errors
#   SAN=address,undefined | SAN=thread   build and run anything under sanitizers
#   CC=clang            another compiler
#   BUILD=dir           where objects go (default build/<compiler>[-<sanitizer>])
#   T=core/test_buf     run only the tests whose name contains this, or one of several words
#   V=1                 show the commands
#   CFLAGS CPPFLAGS LDFLAGS   appended to ours, never replaced
#   PREFIX DESTDIR      for install

PREFIX  ?= /usr/local
BINDIR  ?= $(PREFIX)/bin
DATADIR ?= $(PREFIX)/share
DOCDIR  ?= $(DATADIR)/doc/rollout-worker
MANDIR  ?= $(DATADIR)/man
UNITDIR ?= $(PREFIX)/lib/systemd/system
CC      := $(if $(filter default,$(origin CC)),gcc,$(CC))
comma   := ,
BUILD   ?= build/$(if $(COVERAGE),coverage,$(notdir $(CC))$(if $(SAN),-$(subst $(comma),-,$(SAN))))
Q       := $(if $(V),,@)

VERSION := $(shell worker/packaging/version)

PKGS := libcurl libcrypto yajl expat yaml-0.1 libarchive zlib sqlite3 libmicrohttpd
TEST_PKGS := cmocka

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wold-style-definition -Wwrite-strings -Wcast-qual -Wpointer-arith \
	-Wformat=2 -Wvla -Wundef -Wswitch-enum -Wimplicit-fallthrough -Wnull-dereference
ifneq ($(findstring clang,$(CC)),)
WARN += -Wcomma -Wunreachable-code
endif
ifneq ($(SAN),)
# the sanitizers' own instrumentation confuses this one under gcc
WARN := $(filter-out -Wnull-dereference,$(WARN))
endif
HARDEN := -fstack-protector-strong -fstack-clash-protection -fPIE -fno-common
HARDEN_LD := -pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack
ifeq ($(shell uname -m),x86_64)
HARDEN += -fcf-protection
endif
ifeq ($(SAN),)
# level 3 where compiler and C library know it; elsewhere they warn and take it for 2
FORTIFY := $(if $(shell echo | $(CC) -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -include features.h -E - 2>&1 \
	>/dev/null),2,3)
HARDEN += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$(FORTIFY)
# clang 14 wants to be begged for this one
ifeq ($(findstring clang,$(CC)),)
HARDEN += -ftrivial-auto-var-init=zero
endif
OPT := -O2
else
OPT := -O1 -fno-omit-frame-pointer -fsanitize=$(SAN) -fno-sanitize-recover=all
endif

# ours is counted, the tests and the simulator are not; -O0: a line of code is a line of the count
COUNTED := $(if $(COVERAGE),--coverage -O0 -U_FORTIFY_SOURCE)

OUR_CPPFLAGS := -D_GNU_SOURCE -I. $(if $(COVERAGE),-DCOVERAGE)
OUR_CFLAGS := -std=c11 -g $(OPT) $(HARDEN) $(WARN) $(if $(DEVELOPER),-Werror) -pthread \
	-ffile-prefix-map=$(CURDIR)=.
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) $(TEST_PKGS) 2>/dev/null)
LIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lm
TEST_LIBS := $(shell pkg-config --libs $(TEST_PKGS) 2>/dev/null)
OUR_LDFLAGS := $(HARDEN_LD) -pthread $(if $(SAN),-fsanitize=$(SAN)) \
	$(if $(COVERAGE),--coverage)

# --- layers: one archive each; a test links its own layer and the ones below -------------------

core_SRC      := $(sort $(wildcard aws/core/*.c))
aws_SRC       := $(sort $(wildcard aws/*.c))
artifacts_SRC := $(sort $(wildcard artifacts/*.c))
rollout_SRC   := $(sort $(wildcard worker/rollout/*.c))
target_SRC    := $(sort $(wildcard worker/target/*.c) $(wildcard worker/guard/*.c))
report_SRC    := $(sort $(wildcard worker/report/*.c))
worker_SRC    := $(sort $(filter-out worker/main.c,$(wildcard worker/*.c)))
sim_SRC       := $(sort $(filter-out tests/sim/aws_sim.c tests/sim/serve.c,$(wildcard tests/sim/*.c)))
simserve_SRC  := $(wildcard tests/sim/serve.c)
LAYERS := core aws artifacts rollout target report worker sim simserve

lib = $(BUILD)/lib$(1).a
libs_core      := $(call lib,core)
libs_aws       := $(call lib,aws) $(libs_core)
libs_artifacts := $(call lib,artifacts) $(libs_aws)
libs_rollout   := $(call lib,rollout) $(libs_core)
libs_target    := $(call lib,target) $(call lib,artifacts) $(call lib,rollout) $(libs_aws)
libs_worker    := $(call lib,worker) $(call lib,report) $(libs_target)
libs_sim       := $(call lib,sim) $(libs_aws)
libs_all       := $(call lib,worker) $(call lib,report) $(call lib,sim) $(libs_target)

obj = $(patsubst %.c,$(BUILD)/%.o,$(1))

define layer_rule
$(call lib,$(1)): $(call obj,$($(1)_SRC))
	$(Q)rm -f $$@
	$(Q)$$(AR) rcsD $$@ $$^
endef
$(foreach l,$(LAYERS),$(eval $(call layer_rule,$(l))))

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CC  $<")
	$(Q)$(CC) $(OUR_CPPFLAGS) $(PKG_CFLAGS) $(CPPFLAGS) $(OUR_CFLAGS) $(CFLAGS) \
		$(if $(filter-out tests/%,$<),$(COUNTED)) -MMD -MP -c -o $@ $<

# The version is the concern of the few that name it: a commit compiles no more than these again.
VERSION_CPPFLAGS := -DROLLOUT_WORKER_VERSION='"$(VERSION)"'
VERSIONED := $(shell grep -rlw --include='*.c' ROLLOUT_WORKER_VERSION worker aws artifacts)
$(call obj,$(VERSIONED)): OUR_CPPFLAGS += $(VERSION_CPPFLAGS)
$(call obj,$(VERSIONED)): $(BUILD)/version
.PHONY: always
$(BUILD)/version: always
	@mkdir -p $(@D)
	@echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' >$@

link = $(CC) $(OUR_CFLAGS) $(CFLAGS) $(OUR_LDFLAGS) $(LDFLAGS) -o $@
# tests are many, and the same code each time: by the linker that needs less than half the time
QUICK_LD := $(if $(shell command -v ld.gold),-fuse-ld=gold)

# --- programs ----------------------------------------------------------------------------------

.PHONY: all
all: $(BUILD)/rollout-worker ## build the worker (default)
.DEFAULT_GOAL := all

$(BUILD)/rollout-worker: $(call obj,worker/main.c) $(libs_worker)
	$(if $(V),,@echo "  LD  $@")
	$(Q)$(link) $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS)

$(BUILD)/aws-sim: $(call obj,tests/sim/aws_sim.c) $(call lib,simserve) $(libs_sim)
	$(if $(V),,@echo "  LD  $@")
	$(Q)$(link) $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS)

# --- tests: tests/unit/<layer>/test_*.c; scenarios, faults and bench are programs as well --------

tests_of = $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/unit/$(1)/test_*.c)))
UNIT_LAYERS := core aws artifacts rollout target worker sim
define unit_rule
$(call tests_of,$(1)): $(BUILD)/tests/unit/$(1)/%: $(BUILD)/tests/unit/$(1)/%.o $(2)
	$(Q)$$(link) $$(QUICK_LD) $$< -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $$(TEST_LIBS) $$(LIBS)
endef
$(eval $(call unit_rule,core,$(libs_core)))
$(eval $(call unit_rule,aws,$(libs_aws)))
$(eval $(call unit_rule,artifacts,$(libs_artifacts)))
$(eval $(call unit_rule,rollout,$(libs_rollout)))
$(eval $(call unit_rule,target,$(libs_target)))
$(eval $(call unit_rule,worker,$(libs_worker)))
$(eval $(call unit_rule,sim,$(libs_sim)))
UNIT_TESTS := $(foreach l,$(UNIT_LAYERS),$(call tests_of,$(l)))

# Programs that need everything: in-process scenarios, fault sweeps and end-to-end runs.
BIG_SRC := $(sort $(wildcard tests/scenarios/test_*.c tests/faults/test_*.c))
BIG_TESTS := $(patsubst %.c,$(BUILD)/%,$(BIG_SRC))
SUPPORT_SRC := $(sort $(filter-out $(BIG_SRC),$(wildcard tests/scenarios/*.c tests/faults/*.c)))
$(BIG_TESTS): $(BUILD)/%: $(BUILD)/%.o $(call obj,$(SUPPORT_SRC)) $(libs_all)
	$(Q)$(link) $(QUICK_LD) $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(TEST_LIBS) $(LIBS)

# Torture: a wrapper in front of every fallible call, found by the macros of tests/torture/wrap.h.
TORTURE_SRC := $(sort $(wildcard tests/torture/test_*.c))
TORTURE_TESTS := $(patsubst %.c,$(BUILD)/%,$(TORTURE_SRC))
TORTURE_SUPPORT := $(sort $(filter-out $(TORTURE_SRC),$(wildcard tests/torture/*.c)))
TORTURE_WRAP := $(addprefix -Wl$(comma)--wrap=,$(shell tests/torture/wrapped))
$(TORTURE_TESTS): $(BUILD)/%: $(BUILD)/%.o $(call obj,$(TORTURE_SUPPORT) $(SUPPORT_SRC)) $(libs_all)
	$(Q)$(link) $(TORTURE_WRAP) $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(TEST_LIBS) $(LIBS)

# The real binary against the served simulator. They wait for a clock: under sanitizers one of each
# sort is enough, since the same code is in the scenarios, which wait for nothing.
SERVED_TESTS := $(sort $(wildcard tests/scenarios/*.test))
ifneq ($(SAN),)
SERVED_TESTS := $(filter-out $(patsubst %,tests/scenarios/%.test,auto_scaling beanstalk ecs figures pipelines segments modes),$(SERVED_TESTS))
endif
SCENARIO_TESTS := $(filter $(BUILD)/tests/scenarios/%,$(BIG_TESTS))
FAULT_TESTS := $(filter $(BUILD)/tests/faults/%,$(BIG_TESTS)) $(TORTURE_TESTS)
TORTURE_LISTS := tests/torture/imports.test
TEMPLATE_TESTS := $(sort $(wildcard tests/cloudformation/*.test tests/docs/*.test))
selected = $(if $(T),$(foreach t,$(1),$(if $(strip $(foreach w,$(T),$(findstring $(w),$(t)))),$(t))),$(1))

FUZZERS := $(patsubst tests/fuzz/fuzz_%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
REPLAYS := $(patsubst %,$(BUILD)/tests/fuzz/replay_%,$(FUZZERS))
$(REPLAYS): $(BUILD)/tests/fuzz/replay_%: $(BUILD)/tests/fuzz/fuzz_%.o $(call obj,tests/fuzz/replay.c tests/fuzz/support.c) $(libs_all)
	$(Q)$(link) $(QUICK_LD) $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS)

# What other readers of archives see: tests/fuzz/archives.test asks them.
$(BUILD)/tests/fuzz/archives: $(BUILD)/tests/fuzz/archives.o $(libs_artifacts)
	$(Q)$(link) $(QUICK_LD) $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS)
ARCHIVES := $(BUILD)/tests/fuzz/archives

RUN := tests/run

.PHONY: check check-model check-mutants check-unit check-scenarios check-corpus check-faults check-contract check-threads check-all
check: deps ## everything a contributor needs to trust a change (minutes)
	+$(Q)$(MAKE) --no-print-directory check-all

programs: $(BUILD)/rollout-worker $(BUILD)/aws-sim
.PHONY: programs

# Which rights all of it needed is held against the policies when it is over (tests/iam/README.md).
PERMISSIONS := IAM_RECORD=$(CURDIR)/$(BUILD)/iam/seen
check-all: programs man $(call selected,$(UNIT_TESTS) $(SCENARIO_TESTS) $(FAULT_TESTS) $(REPLAYS)) $(ARCHIVES)
	$(Q)mkdir -p $(BUILD)/iam && rm -f $(BUILD)/iam/seen
	$(Q)BUILD=$(BUILD) SAN=$(SAN) $(PERMISSIONS) $(RUN) $(call selected,$(UNIT_TESTS) $(SCENARIO_TESTS) \
		$(FAULT_TESTS) $(TORTURE_LISTS) $(REPLAYS) tests/fuzz/archives.test $(PARTS_TESTS) $(TEMPLATE_TESTS) \
		tests/iam/policies.test $(SERVED_TESTS))
	$(Q)$(PERMISSIONS) SUBSET="$(T)" VERBOSE=$(VERBOSE) $(RUN) tests/iam/closure.test

check-unit: $(call selected,$(UNIT_TESTS)) ## unit tests and vectors only
	$(Q)BUILD=$(BUILD) $(RUN) $(call selected,$(UNIT_TESTS))

check-scenarios: programs $(SCENARIO_TESTS) ## whole rollouts, in process and through the real binary
	$(Q)BUILD=$(BUILD) SAN=$(SAN) $(RUN) $(call selected,$(SCENARIO_TESTS) $(SERVED_TESTS))

THREADED := $(call tests_of,core) $(call tests_of,aws) $(call tests_of,worker)
check-threads: programs $(THREADED) ## what has more than one thread: for SAN=thread
	$(Q)BUILD=$(BUILD) SAN=$(SAN) $(RUN) $(call selected,$(THREADED) $(SERVED_TESTS))

check-corpus: $(REPLAYS) $(ARCHIVES) ## replay the fuzzing corpora; ask other readers of archives
	$(Q)BUILD=$(BUILD) $(RUN) $(REPLAYS) tests/fuzz/archives.test

check-faults: programs $(FAULT_TESTS) ## crash and fault sweeps; torture: every fallible call fails (TORTURE=full)
	$(Q)BUILD=$(BUILD) SAN=$(SAN) SWEEP=$${SWEEP:-dense} $(RUN) $(call selected,$(FAULT_TESTS) $(TORTURE_LISTS))

check-mutants: ## each deliberate bug of tests/mutants/list must be caught: [T=name]
	$(Q)CC="$(CC)" T="$(T)" tests/mutants/run

check-model: ## the formal model of job, token, ledger and rollback (spin); DEEP=1 for larger bounds
	$(Q)CC="$(CC)" tests/model/run

# Whole rollouts under every fault, judged: `make check-sim [N=10000] [SEED=1] [VERBOSE=1]`.
SIMULATION_SRC := $(sort $(filter-out tests/simulation/test_%,$(wildcard tests/simulation/*.c)))
SIMULATION_OBJ := $(call obj,$(filter-out %/check_sim.c,$(SIMULATION_SRC)) tests/scenarios/calls.c \
	tests/faults/disk.c tests/faults/disk_platter.c $(sort $(wildcard tests/scenarios/world*.c)))
SIMULATION_TESTS := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/simulation/test_*.c)))
$(BUILD)/tests/simulation/check_sim $(SIMULATION_TESTS): $(BUILD)/%: $(BUILD)/%.o $(SIMULATION_OBJ) $(libs_all)
	$(Q)$(link) $(QUICK_LD) $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(TEST_LIBS) $(LIBS)

.PHONY: check-sim
check-sim: $(BUILD)/tests/simulation/check_sim $(SIMULATION_TESTS) ## simulated rollouts under faults: [N=10000] [SEED=first] [VERBOSE=1]
	$(Q)BUILD=$(BUILD) $(RUN) $(SIMULATION_TESTS)
	$(Q)N=$(N) SEED=$(SEED) VERBOSE=$(VERBOSE) $(BUILD)/tests/simulation/check_sim

.PHONY: check-screens
check-screens: programs ## report and status page in a real browser; pictures in build/.../screens (needs chromium)
	$(Q)BUILD=$(BUILD) $(RUN) tests/report/screens.test

CONTRACT := $(BUILD)/tests/contract/moto_calls
$(CONTRACT): $(call obj,$(sort $(wildcard tests/contract/moto_*.c))) $(libs_aws)
	$(Q)$(link) $(QUICK_LD) $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS)

DIFFERENTIAL := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/contract/diff_*.c)))
$(DIFFERENTIAL): $(BUILD)/%: $(BUILD)/%.o $(libs_aws)
	$(Q)$(link) $(QUICK_LD) $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS)

check-contract: programs $(CONTRACT) $(DIFFERENTIAL) ## independent AWS clients against the simulator, and the worker's calls against moto
	$(Q)BUILD=$(BUILD) $(RUN) $(sort $(wildcard tests/contract/*.test))

.PHONY: demo bench fuzz
demo: deps ## a good and a bad release, by the real binary on the simulator, in about a minute
	+$(Q)$(MAKE) --no-print-directory programs
	$(Q)BUILD=$(BUILD) tests/demo/run

bench: deps ## the benchmarks we quote, as ratios side by side
	+$(Q)$(MAKE) --no-print-directory bench-programs
	$(Q)BUILD=$(BUILD) tests/bench/run
BENCH := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/bench/bench_*.c)))
$(BENCH): $(BUILD)/%: $(BUILD)/%.o $(call obj,tests/scenarios/world.c) $(libs_all)
	$(Q)$(link) $(QUICK_LD) $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS)
.PHONY: bench-programs
bench-programs: programs $(BENCH)

TIME ?= 60
fuzz: ## libFuzzer on every parser: make fuzz [FUZZ=json] [TIME=60]
	$(Q)tests/fuzz/run "$(or $(FUZZ),$(FUZZERS))" $(TIME)

# --- quality -------------------------------------------------------------------------------------

C_FILES = $(shell git ls-files -co --exclude-standard '*.c' '*.h')
.PHONY: lint format format-check analyze coverage check-counted
lint: ## layers, headers alone, banned functions, sizes, shell scripts, the unit, events of the log
	$(Q)CC="$(CC)" CPPFLAGS="$(OUR_CPPFLAGS) $(PKG_CFLAGS)" tests/lint/run
	$(Q)tests/lint/service
	$(Q)tests/mutants/run --list
	$(Q)tests/lint/events

format: ## clang-format in place
	$(Q)clang-format -i $(C_FILES)

analyze: ## gcc -fanalyzer and clang's analyzer over the sources
	$(Q)CPPFLAGS="$(OUR_CPPFLAGS) -DROLLOUT_WORKER_VERSION=\"$(VERSION)\" $(PKG_CFLAGS)" tests/lint/analyze

coverage: ## lines, branches and error branches that the tests execute (gcov)
	+$(Q)$(MAKE) --no-print-directory COVERAGE=1 check-counted
	$(Q)tests/lint/coverage build/coverage

# What is in process only: the scripts of scenarios wait for a clock and execute nothing more; nor do
# sweeps over every call: a fault at each 40th takes the same branches.
check-counted: $(call selected,$(UNIT_TESTS) $(SCENARIO_TESTS) $(FAULT_TESTS) $(REPLAYS))
	$(Q)find $(BUILD) -name '*.gcda' -delete
	$(Q)BUILD=$(BUILD) SLOWEST=10 SWEEP_STRIDE=40 $(RUN) $^

# --- install -------------------------------------------------------------------------------------

.PHONY: deps install uninstall dist deb check-package man clean help
APT := build-essential pkg-config libcurl4-openssl-dev libssl-dev libyajl-dev libexpat1-dev \
	libyaml-dev libarchive-dev zlib1g-dev libsqlite3-dev libmicrohttpd-dev libcmocka-dev \
	openssl python3 python3-yaml curl zip unzip
deps: ## install the distribution's packages where they are missing (Debian; root or sudo)
	$(Q)tests/deps $(APT)

# the list of settings is the example's, which is the table's
MAN := worker/man/rollout-worker.8 $(BUILD)/man/rollout-worker.conf.5 worker/man/rollout.yaml.5
man: $(MAN) ## the manual pages
	@:
$(BUILD)/man/%: worker/man/%.in worker/man/settings.awk worker/rollout-worker.conf.example
	@mkdir -p $(@D)
	$(Q)awk -f worker/man/settings.awk worker/rollout-worker.conf.example $< >$@

# What is installed: MODE:SOURCE:DESTINATION. The unit is written for BINDIR.
UNIT := $(UNITDIR)/rollout-worker.service
INSTALLED := 755:$(BUILD)/rollout-worker:$(BINDIR)/rollout-worker \
	$(foreach page,$(MAN),644:$(page):$(MANDIR)/man$(subst .,,$(suffix $(page)))/$(notdir $(page))) \
	644:worker/packaging/completion.bash:$(DATADIR)/bash-completion/completions/rollout-worker \
	644:README.md:$(DOCDIR)/README.md \
	644:worker/rollout-worker.conf.example:$(DOCDIR)/examples/rollout-worker.conf \
	$(foreach file,$(sort $(wildcard worker/packaging/examples/*)),644:$(file):$(DOCDIR)/examples/$(notdir $(file))) \
	$(foreach file,$(sort $(wildcard cloudformation/*.yaml)),644:$(file):$(DOCDIR)/examples/cloudformation/$(notdir $(file)))
part = $(word $(1),$(subst :, ,$(2)))

install: all man ## PREFIX, DESTDIR
	$(Q)set -e; $(foreach f,$(INSTALLED),install -D -m $(call part,1,$f) $(call part,2,$f) $(DESTDIR)$(call part,3,$f);)
	$(Q)install -d $(DESTDIR)$(UNITDIR)
	$(Q)sed 's|/usr/local/bin/|$(BINDIR)/|' worker/rollout-worker.service >$(DESTDIR)$(UNIT)
	$(Q)chmod 644 $(DESTDIR)$(UNIT)

uninstall: ## remove what install put there
	$(Q)rm -f $(foreach f,$(INSTALLED),$(DESTDIR)$(call part,3,$f)) $(DESTDIR)$(UNIT)
	$(Q)for d in $(DOCDIR)/examples/cloudformation $(DOCDIR)/examples $(DOCDIR); do \
		[ ! -d $(DESTDIR)$$d ] || rmdir --ignore-fail-on-non-empty $(DESTDIR)$$d; done

EPOCH = $(shell worker/packaging/version --epoch)
# what is committed has no mark of what is not
DIST = build/rollout-worker-$(VERSION:.dirty=).tar.gz
dist: ## source archive of what is committed, reproducible: build/rollout-worker-VERSION.tar.gz
	$(Q)worker/packaging/dist $(VERSION:.dirty=) $(EPOCH) $(DIST)
	@echo $(DIST)

DEBS ?= build
deb: deps ## Debian package: build/rollout-worker_VERSION_ARCH.deb [VERSION=1.2~rc1]
	$(Q)tests/deps debhelper
	$(Q)worker/packaging/deb $(VERSION) $(EPOCH) $(DEBS)

# of the package itself; the others of that room are a part of `make check`
PACKAGE_TESTS := tests/package/build.test tests/package/life.test
PARTS_TESTS := $(filter-out $(PACKAGE_TESTS),$(sort $(wildcard tests/package/*.test)))
check-package: deps ## the Debian package: build, lintian, install, upgrade, remove, purge in a clean tree
	$(Q)tests/deps debhelper lintian mmdebstrap mandoc bash-completion
	+$(Q)$(MAKE) --no-print-directory programs man
	+$(Q)$(MAKE) --no-print-directory deb VERSION=$(VERSION)+next DEBS=build/package/next
	+$(Q)$(MAKE) --no-print-directory deb dist DEBS=build/package/this
	$(Q)BUILD=$(BUILD) VERSION=$(VERSION) $(RUN) $(call selected,$(PACKAGE_TESTS) $(PARTS_TESTS))

clean: ## remove what was built
	rm -rf build

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | \
		awk -F'|' '{printf "  %-16s %s\n", $$1, $$2}'

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
.SECONDARY:
