/** What changed from one bill of materials to another: components that came or went, versions, licences. */
import * as z from 'zod/mini';
import { Failure } from '../failure.ts';

const Licence = z.object({
  license: z.optional(z.object({ id: z.optional(z.string()), name: z.optional(z.string()) })),
  expression: z.optional(z.string()),
});

/** As much of a document of any author as is compared. */
const BomFile = z.object({
  bomFormat: z.literal('CycloneDX'),
  components: z._default(
    z.array(
      z.object({
        type: z.string(),
        'bom-ref': z.optional(z.string()),
        group: z.optional(z.string()),
        name: z.string(),
        version: z.optional(z.string()),
        licenses: z._default(z.array(Licence), []),
      }),
    ),
    [],
  ),
});

export interface ComparedComponent {
  /** `busybox`, or with its group before it. */
  readonly name: string;
  /** Of CycloneDX: `application`, `data`. */
  readonly type: string;
  readonly version: string;
  readonly licences: readonly string[];
}

export interface BomDifferences {
  readonly removed: readonly ComparedComponent[];
  readonly added: readonly ComparedComponent[];
  readonly changed: readonly { readonly before: ComparedComponent; readonly after: ComparedComponent }[];
}

/** @throws Failure `bad-sbom` */
export function readComponents(text: string, file: string): readonly ComparedComponent[] {
  let components: z.infer<typeof BomFile>['components'];
  try {
    ({ components } = z.parse(BomFile, JSON.parse(text)));
  } catch (error) {
    throw new Failure({
      code: 'bad-sbom',
      message: `${file} is no bill of materials`,
      place: { file },
      cause: (error as Error).message,
      hint: 'CycloneDX as JSON is read: coracle sbom --output FILE writes it',
    });
  }
  return components.map(({ group, name, type, version = '', licenses }) => ({
    name: group === undefined || group === '' ? name : `${group}/${name}`,
    type,
    version,
    licences: licenses
      .map(({ license, expression }) => license?.id ?? license?.name ?? expression ?? '')
      .filter((licence) => licence !== '')
      .sort(),
  }));
}

export function compareComponents(
  before: readonly ComparedComponent[],
  after: readonly ComparedComponent[],
): BomDifferences {
  const [old, now] = [before, after].map((list) => new Map(list.map((one) => [`${one.type} ${one.name}`, one]))) as [
    Map<string, ComparedComponent>,
    Map<string, ComparedComponent>,
  ];
  const byName = (a: ComparedComponent, b: ComparedComponent): number => (a.name < b.name ? -1 : 1);
  return {
    removed: [...old].flatMap(([key, one]) => (now.has(key) ? [] : [one])).sort(byName),
    added: [...now].flatMap(([key, one]) => (old.has(key) ? [] : [one])).sort(byName),
    changed: [...now]
      .flatMap(([key, one]) => {
        const was = old.get(key);
        return was === undefined || isSame(was, one) ? [] : [{ before: was, after: one }];
      })
      .sort((a, b) => byName(a.after, b.after)),
  };
}

function isSame(a: ComparedComponent, b: ComparedComponent): boolean {
  return a.version === b.version && a.licences.join('\n') === b.licences.join('\n');
}

export function differencesText({ removed, added, changed }: BomDifferences): string {
  const lines = [
    ...removed.map((one) => `- ${one.name} ${one.version}`.trimEnd()),
    ...added.map((one) => `+ ${one.name} ${one.version}`.trimEnd()),
    ...changed.map(({ before, after }) => `! ${after.name} ${changeText(before, after)}`),
  ];
  return lines.length === 0 ? 'no difference' : lines.join('\n');
}

function changeText(before: ComparedComponent, after: ComparedComponent): string {
  const words: string[] = [];
  if (before.version !== after.version) words.push(`${before.version || 'none'} → ${after.version || 'none'}`);
  const [was, is] = [before.licences.join(', '), after.licences.join(', ')];
  if (was !== is) words.push(`licences: ${was || 'none'} → ${is || 'none'}`);
  return words.join('; ');
}
