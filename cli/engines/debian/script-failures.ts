/** Says of each command of a maintainer script that is not accounted for where it is, why, and what can be done. */
import { Failure } from '../../failure.ts';
import type { PackageRequest } from './apt/package-lists.ts';
import type { ScriptProblem } from './maintainer-scripts.ts';
import { relationNames } from './package-order.ts';
import { showUnknown } from './shell/unknown.ts';
import type { UnpackedPackage } from './unpacked.ts';

export function explainProblems(
  problems: readonly ScriptProblem[],
  packages: readonly UnpackedPackage[],
  requests: readonly PackageRequest[],
): Failure[] {
  const unique = new Map(
    problems.map((one) => [`${one.package} ${one.script} ${one.line} ${one.argv.join(' ')}`, one]),
  );
  return [...unique.values()].map((one) => {
    const wanted = whoWants(one.package, packages, requests);
    return new Failure({
      code: 'unmodelled-script',
      message: `${one.script} of the package ${one.package} ${one.version} runs, in line ${one.line}, ${JSON.stringify(one.text)}, which is not modelled`,
      cause: [
        `${showUnknown(one.argv.join(' '))}: ${one.reason}`,
        ...(wanted === undefined ? [] : [wanted.chain]),
      ].join('\n'),
      layer: wanted?.request.layer,
      place: wanted === undefined ? undefined : { file: wanted.request.file, line: wanted.request.line },
      hint: hintFor(one),
    });
  });
}

function hintFor(one: ScriptProblem): string {
  return [
    'if it does not matter in an image, or if effects do the same, say so in layer.yaml:',
    '  engines:',
    '    debian:',
    '      effects:',
    `        - accounts: {package: ${one.package}, command: ${JSON.stringify(patternOf(one))}, because: "…"}`,
    'or leave the package out (assume), or run maintainer scripts for real: `scripts: run` for the workspace',
  ].join('\n');
}

/** Its words with what is unknown as stars. */
function patternOf(one: ScriptProblem): string {
  return showUnknown(one.argv.join(' ')).replace(/[…]+/g, '*');
}

/** The request that brought a package, and the shortest way from it. */
function whoWants(name: string, packages: readonly UnpackedPackage[], requests: readonly PackageRequest[]) {
  const dependents = new Map<string, string[]>();
  for (const one of packages) {
    for (const field of ['pre-depends', 'depends']) {
      for (const needed of relationNames(one.control, field)) {
        dependents.set(needed, [...(dependents.get(needed) ?? []), one.locked.name]);
      }
    }
  }
  const queue: string[][] = [[name]];
  const seen = new Set([name]);
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    const [first = ''] = path;
    const request = requests.find((one) => one.name === first);
    if (request !== undefined) return { request, chain: `asked for by ${request.layer}: ${path.join(' → ')}` };
    for (const next of dependents.get(first) ?? []) {
      if (seen.has(next)) continue;
      seen.add(next);
      queue.push([next, ...path]);
    }
  }
  return undefined;
}
