/**
 * What `coracle new` writes, as text: a project with a layer of its own, or one more layer. Pure; the result is a map from
 * path to content, and passes `coracle check` as it is.
 */
import { SCHEMA_NAMES, schemaFileName, schemaText } from './json-schemas.ts';

/** Path, relative to where they are written → content. */
export type NewFiles = Readonly<Record<string, string>>;

/** Directory of a project that editors' JSON Schemas are in. */
export const SCHEMA_DIRECTORY = '.coracle';

/** @param group the first part of the project's layer names. */
export function projectFiles(group: string): NewFiles {
  const name = `${group}/hello`;
  return {
    'coracle.yaml': `# yaml-language-server: $schema=${SCHEMA_DIRECTORY}/coracle.schema.json

default: hello

# Where layers are looked for, besides those that ship with Coracle; the first that has a layer wins.
layers:
  - path: ./layers
  # - git: https://example.org/more-layers.git
  #   rev: v1

workspaces:
  hello:
    layers: [virt/qemu, core/podman, apps/preload, ${name}]
    values: {greeting: Hello from ${group}}
`,
    '.gitignore': '/workspaces/\n/overrides/\n',
    'README.md': readme(name),
    [`layers/${name}/layer.yaml`]: `# yaml-language-server: $schema=../../../${SCHEMA_DIRECTORY}/layer.schema.json

description: A greeting for whoever logs in

slots:
  greeting:
    description: First line of the message of the day
    default: Hello
`,
    [`layers/${name}/root_overlay/etc/motd.hbs`]: `{{greeting}}
This is {{workspace}} {{version}} ({{arch}}).
`,
    ...schemaFiles(),
  };
}

/** @param schema path from the layer's directory to layer.yaml's JSON Schema. */
export function layerFiles(name: string, schema: string): NewFiles {
  const own = name.split('/').at(-1);
  return {
    'layer.yaml': `# yaml-language-server: $schema=${schema}

description: What ${name} adds, in one line

# Layers that come before this one, added by themselves:
# depends: [core/podman]

# Values that templates (*.hbs) below root_overlay/ use; a workspace sets them under \`values\`:
# slots:
#   port: {description: Where it listens, default: "8080"}
`,
    'debian/packages': '# Packages for the debian engine, one name a line.\n',
    [`kernel/${own}`]: '# Kernel configuration: CONFIG_WIREGUARD=m, or # CONFIG_WIREGUARD is not set\n',
  };
}

export function schemaFiles(): NewFiles {
  return Object.fromEntries(
    SCHEMA_NAMES.map((name) => [`${SCHEMA_DIRECTORY}/${schemaFileName(name)}`, schemaText(name)]),
  );
}

function readme(layer: string): string {
  return `# Layers and images

Built by Coracle: \`coracle.yaml\` names the images, \`layers/\` holds what is special about them.

    coracle check        # look for mistakes
    coracle resolve      # which layers, in which order, and why
    coracle build        # build the default workspace
    coracle run --check  # boot it under QEMU and see whether it is healthy
    coracle demo         # all of that, and a container that starts and a file that survives a reboot

\`layers/${layer}\` puts a greeting into /etc/motd. \`coracle new layer ${layer.split('/')[0]}/other\` starts another layer.

Commit \`coracle.lock\` when it appears: it names the exact versions that were used.
`;
}
