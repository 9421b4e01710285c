# The programs for the device as packages, all built from one copy of device/ that holds its crates, too: cargo has to work
# offline, and for sources of this machine Buildroot vendors nothing. Coracle prepares it and names it in the environment.
CORACLE_DEVICE_SITE = $(or $(CORACLE_DEVICE_SOURCE),$(realpath $(BR2_EXTERNAL_CORACLE_PATH)/..))

CORACLE_DEVICE_STATIC = -C target-feature=+crt-static -C relocation-model=static
# A program has the same bytes wherever it is compiled.
CORACLE_DEVICE_REMAP = --remap-path-prefix $(@D)=/device

# For programs with std: static where the toolchain has a static C library.
CORACLE_DEVICE_RUSTFLAGS = \
	$(if $(filter /%,$(shell $(TARGET_CC) -print-file-name=libc.a)), \
		$(CORACLE_DEVICE_STATIC), -C target-feature=-crt-static) \
	$(CORACLE_DEVICE_REMAP)

# For programs that have no C library at all, nor the start files that Rust brings for musl: always static.
CORACLE_DEVICE_RUSTFLAGS_FREESTANDING = \
	$(CORACLE_DEVICE_STATIC) -C link-self-contained=no $(CORACLE_DEVICE_REMAP)

# Replaces cargo-package's own command: the profile is that of device/Cargo.toml, so that a program is the same with every
# engine. $(1): the program; $(2): flags for rustc
define CORACLE_DEVICE_BUILD
	cd $(@D) && \
	$(TARGET_MAKE_ENV) $(TARGET_CONFIGURE_OPTS) $(PKG_CARGO_ENV) \
		CARGO_TARGET_$(call UPPERCASE,$(RUSTC_TARGET_NAME))_RUSTFLAGS="$(strip $(2))" \
		cargo build --offline --locked --profile device --package $(1)
endef

# $(1): the program; $(2): its directory on the target
define CORACLE_DEVICE_INSTALL
	$(INSTALL) -D -m 0755 $(@D)/target/$(RUSTC_TARGET_NAME)/device/$(1) $(TARGET_DIR)$(2)/$(1)
endef

include $(sort $(wildcard $(BR2_EXTERNAL_CORACLE_PATH)/package/*/*.mk))
