/**
 * Effects as layers declare them (`engines: {debian: {effects: […]}}`): what an installation would do that packages' contents
 * do not say. Each item is a map with one key, its kind. Comes in: YAML values with their places; goes out: checked data.
 */
import * as z from 'zod/mini';
import { Failure, type Place, throwAny } from '../../../failure.ts';
import type { Layer } from '../../../layers/layer.ts';

const AbsolutePath = z
  .string()
  .check(z.regex(/^\/(?!.*\/\.\.?(?:\/|$))/, 'a path is absolute and has no . or .. in it'));
const Mode = z.string().check(z.regex(/^[0-7]{3,4}$/, 'a mode is octal and quoted: "0755"'));
const Owner = z.string().check(z.regex(/^[^:\s]*(?::[^:\s]+)?$/, 'an owner is user, user:group or :group'));
const Names = z.array(z.string().check(z.minLength(1)));
const Id = z.int().check(z.gte(1), z.lte(65533));

/** Kind → its value. The descriptions are the reference. */
const KINDS = {
  enable: Names.check(z.meta({ description: 'Units that start: links as `systemctl enable` makes them.' })),
  disable: Names.check(z.meta({ description: 'Units that do not start, though their package enables them.' })),
  mask: Names.check(z.meta({ description: 'Units that cannot start.' })),
  group: z
    .strictObject({ name: z.string(), gid: z.optional(Id) })
    .check(z.meta({ description: 'A group; without a gid it gets one that follows from its name.' })),
  user: z
    .strictObject({
      name: z.string(),
      uid: z.optional(Id),
      group: z.optional(z.string()),
      groups: z.optional(Names),
      home: z.optional(AbsolutePath),
      shell: z.optional(AbsolutePath),
      comment: z.optional(z.string()),
    })
    .check(z.meta({ description: 'A system user, in a group of its name unless told.' })),
  directory: z
    .strictObject({ path: AbsolutePath, mode: z.optional(Mode), owner: z.optional(Owner) })
    .check(z.meta({ description: 'A directory.' })),
  file: z
    .strictObject({ path: AbsolutePath, text: z.string(), mode: z.optional(Mode), owner: z.optional(Owner) })
    .check(z.meta({ description: 'A small file. Larger ones belong into the layer’s root_overlay.' })),
  copy: z
    .strictObject({ from: AbsolutePath, to: AbsolutePath, mode: z.optional(Mode), owner: z.optional(Owner) })
    .check(z.meta({ description: 'A copy of a file of the root.' })),
  link: z
    .strictObject({ path: AbsolutePath, to: z.string() })
    .check(z.meta({ description: 'A symbolic link at `path` that says `to`.' })),
  remove: z.array(AbsolutePath).check(z.meta({ description: 'Paths that go, with all below.' })),
  access: z
    .strictObject({ path: AbsolutePath, mode: z.optional(Mode), owner: z.optional(Owner) })
    .check(z.meta({ description: 'Owner and mode of what is there.' })),
  alternative: z
    .strictObject({ name: z.string(), path: AbsolutePath })
    .check(z.meta({ description: 'Which choice of an alternative its link means.' })),
  answer: z
    .strictObject({ question: z.string(), value: z.string() })
    .check(z.meta({ description: 'The answer to a question of debconf, for the package’s scripts.' })),
  accounts: z
    .strictObject({
      package: z.string(),
      command: z.string().check(z.minLength(1)),
      because: z.string().check(z.minLength(1)),
      status: z.optional(z.int()),
      prints: z.optional(z.string()),
    })
    .check(
      z.meta({
        description:
          'A command of a package’s maintainer scripts that needs no model, as a shell pattern, and why: because it does not matter, or because other effects do the same.',
      }),
    ),
} as const;

type Kinds = typeof KINDS;
export type EffectKind = keyof Kinds;
export type EffectValue<K extends EffectKind> = z.infer<Kinds[K]>;
export type Effect = {
  [K in EffectKind]: { readonly kind: K; readonly value: EffectValue<K> } & EffectOrigin;
}[EffectKind];

interface EffectOrigin {
  readonly layer: string;
  readonly place: Place;
}

/** JSON Schema of one item, for editors and the reference. */
export function effectJsonSchema(): unknown {
  const variants = Object.entries(KINDS).map(([kind, schema]) => z.strictObject({ [kind]: schema }));
  return z.toJSONSchema(z.union(variants as [(typeof variants)[number], ...typeof variants]));
}

/** All effects of all layers, in layer order. @throws Failure `bad-effect`, all of them at once */
export function readEffects(layers: readonly Layer[]): Effect[] {
  const effects: Effect[] = [];
  const failures: Failure[] = [];
  for (const layer of layers) {
    for (const { value, place } of layer.debian.effects) {
      const read = readEffect(value, { layer: layer.name, place });
      if (read instanceof Failure) failures.push(read);
      else effects.push(read);
    }
  }
  throwAny(failures);
  return effects;
}

function readEffect(value: unknown, origin: EffectOrigin): Effect | Failure {
  const entries = value !== null && typeof value === 'object' ? Object.entries(value) : [];
  const [kind, inner] = entries[0] ?? [];
  if (entries.length !== 1 || kind === undefined || !Object.hasOwn(KINDS, kind)) {
    return badEffect(
      origin,
      kind === undefined ? 'it has no kind' : `${entries.map(([key]) => key).join(', ')} is no kind of effect`,
    );
  }
  const parsed = KINDS[kind as EffectKind].safeParse(inner);
  if (!parsed.success) {
    const issues = parsed.error.issues.map((issue) => `${[kind, ...issue.path].join('.')}: ${describeIssue(issue)}`);
    return badEffect(origin, issues.join('\n'));
  }
  return { kind, value: parsed.data, ...origin } as Effect;
}

function describeIssue(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return `there is no key ${issue.keys.join(', ')} here`;
  if (issue.code === 'invalid_type') return `it has to be of type ${issue.expected}`;
  return issue.message;
}

function badEffect({ layer, place }: EffectOrigin, cause: string): Failure {
  return new Failure({
    code: 'bad-effect',
    message: 'this effect cannot be understood',
    place,
    layer,
    cause,
    hint: `an effect is a map with one key of ${Object.keys(KINDS).join(', ')}`,
  });
}
