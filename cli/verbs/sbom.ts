import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Failure } from '../failure.ts';
import { imagePackages } from '../farm/image-packages.ts';
import { writeFileAtomic } from '../host/files.ts';
import { lookAt, readText } from '../host/look-at.ts';
import { writing } from '../host/system-failure.ts';
import type { Manifest } from '../image/manifest.ts';
import { compareComponents, differencesText, readComponents } from '../reports/compare-boms.ts';
import { cyclonedx } from '../reports/cyclonedx.ts';
import { namesOf } from './chosen-workspaces.ts';
import { ONE_WORKSPACE, plannedWorkspace } from './planned.ts';
import { defineVerb, type Session } from './verb.ts';

export const sbom = defineVerb({
  command: 'sbom [workspace] [other]',
  summary: 'Write the bill of materials of an image (CycloneDX), or compare two',
  details: `
Writes CycloneDX 1.6 as JSON: every package of the last build with version, licences, CPE or package URL, hashes of its
sources, patches, and the layer that it is there for (property \`coracle:layer\`; \`coracle:asked\` is true if that layer
names it itself); the kernel, the layers with their commits, and coracle-init and Coracle's programs in the root. The same image gives the same document.

    coracle sbom > image.cdx.json
    coracle sbom qemu --output image.cdx.json
    coracle sbom --diff released.cdx.json qemu
    coracle sbom --diff qemu mini --json

With \`--diff\`, each of the two is a workspace or a file of anybody's; components that came, went, or changed their version
or licences are listed.
`,
  positionals: {
    ...ONE_WORKSPACE,
    other: { type: 'string', describe: 'With --diff: a workspace or a file to compare with' },
  },
  options: {
    output: { alias: 'o', type: 'string', describe: 'Write a file instead of stdout' },
    diff: { type: 'boolean', describe: 'Compare two: workspaces, or files' },
  },
  run: async (args, session) => {
    const [first, second] = [args['workspace'], args['other']].map((word) => word as string | undefined);
    if (args.diff === true) return diff(first, second, session);
    if (second !== undefined) {
      throw new Failure({ code: 'usage', message: 'one workspace at a time', hint: '--diff compares two' });
    }
    const text = await bomText(first, session);
    if (args.output === undefined) {
      session.report({ kind: 'result', value: JSON.parse(text) as unknown, text });
      return 0;
    }
    const file = resolve(session.cwd, args.output);
    await writing(file, () => writeFileAtomic(file, text));
    session.report({ kind: 'note', text: `wrote ${args.output}` });
    return 0;
  },
});

async function bomText(workspace: string | undefined, session: Session): Promise<string> {
  const plan = await plannedWorkspace(session, { names: namesOf(workspace), offline: true });
  const packages = await imagePackages(plan, {
    verb: 'sbom',
    title: 'list the packages',
    ...session,
    report: quiet(session),
  });
  const manifest = JSON.parse(await readFile(plan.manifest, 'utf8')) as Manifest;
  const bom = cyclonedx({ manifest, packages, version: await ownVersion(session.installation) });
  return `${JSON.stringify(bom, undefined, 2)}\n`;
}

async function ownVersion(installation: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(installation, 'package.json'), 'utf8')) as { version: string };
  return version;
}

/** It takes no time that would be worth a line. */
function quiet({ report }: Session): Session['report'] {
  return (event) => {
    if (!event.kind.startsWith('step-')) report(event);
  };
}

async function diff(a: string | undefined, b: string | undefined, session: Session): Promise<number> {
  if (a === undefined || b === undefined) {
    throw new Failure({ code: 'usage', message: 'which two?', hint: 'coracle sbom --diff released.cdx.json qemu' });
  }
  const [before, after] = [await componentsOf(a, session), await componentsOf(b, session)];
  const differences = compareComponents(before, after);
  session.report({ kind: 'result', value: differences, text: differencesText(differences) });
  return 0;
}

/** A file if there is one of that name, else a workspace. */
async function componentsOf(word: string, session: Session) {
  const file = resolve(session.cwd, word);
  const isFile = lookAt(file)?.isFile() === true;
  return readComponents(isFile ? readText(file) : await bomText(word, session), word);
}
