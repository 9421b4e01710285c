# The programs for the device as packages, all built from one copy of device/ that holds its crates, too: cargo has to work
# offline, and for sources of this machine Buildroot vendors nothing. Coracle prepares it and names it in the environment.
CORACLE_DEVICE_SITE = $(or $(CORACLE_DEVICE_SOURCE),$(realpath $(BR2_EXTERNAL_CORACLE_PATH)/..))

# Static where the toolchain has a static C library, and with the same bytes wherever they are compiled.
CORACLE_DEVICE_RUSTFLAGS = \
	$(if $(filter /%,$(shell $(TARGET_CC) -print-file-name=libc.a)), \
		-C target-feature=+crt-static -C relocation-model=static, \
		-C target-feature=-crt-static) \
	--remap-path-prefix $(@D)=/device

CORACLE_DEVICE_CARGO_ENV = \
	CARGO_TARGET_$(call UPPERCASE,$(RUSTC_TARGET_NAME))_RUSTFLAGS="$(strip $(CORACLE_DEVICE_RUSTFLAGS))"

# Replaces cargo-package's own command: the profile is that of device/Cargo.toml, so that a program is the same with every
# engine. $(1): the program
define CORACLE_DEVICE_BUILD
	cd $(@D) && \
	$(TARGET_MAKE_ENV) $(TARGET_CONFIGURE_OPTS) $(PKG_CARGO_ENV) $(CORACLE_DEVICE_CARGO_ENV) \
		cargo build --offline --locked --profile device --package $(1)
endef

# $(1): the program
define CORACLE_DEVICE_INSTALL
	$(INSTALL) -D -m 0755 $(@D)/target/$(RUSTC_TARGET_NAME)/device/$(1) $(TARGET_DIR)/usr/lib/coracle/$(1)
endef

include $(sort $(wildcard $(BR2_EXTERNAL_CORACLE_PATH)/package/*/*.mk))
