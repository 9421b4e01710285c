# podman, for /usr/lib/coracle/start.d/50-engine.
storage=/mnt/persist/skiff/podman

engine_ready() {
  version=$(podman info --format '{{.Version.Version}}' 2>&1) || { echo "$version"; return 1; }
  echo "podman $version"
}

engine_load() {
  podman load --quiet --input "$1"
}

engine_run() {
  podman run --rm --pull never --network none "$1"
}
