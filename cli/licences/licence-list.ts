/**
 * Licences as packages write them: SPDX identifiers, old ones and new (`GPL-2.0+`, `GPL-2.0-or-later`), words that are no
 * identifiers, several behind each other with commas, with remarks in parentheses.
 */
import deprecated from 'spdx-license-ids/deprecated.json' with { type: 'json' };
import current from 'spdx-license-ids/index.json' with { type: 'json' };

/** One licence an item; commas in parentheses are part of a remark. */
export function licenceList(text: string): readonly string[] {
  const items: string[] = [];
  let depth = 0;
  let item = '';
  for (const character of text) {
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if (character === ',' && depth <= 0) {
      items.push(item);
      item = '';
    } else item += character;
  }
  return [...items, item].map((one) => one.trim()).filter((one) => one !== '');
}

const IDENTIFIERS = new Set<string>([...current, ...deprecated]);

/** The identifier as SPDX has it now, remarks left out; undefined if it is none. */
export function spdxIdentifier(licence: string): string | undefined {
  const name = licence.replace(/\s*\(.*\)$/, '').trim();
  const gnu = /^(A?GPL|LGPL|GFDL)-(\d\.\d)(\+?)$/.exec(name);
  const modern = gnu === null ? name : `${gnu[1]}-${gnu[2]}-${gnu[3] === '+' ? 'or-later' : 'only'}`;
  return IDENTIFIERS.has(modern) ? modern : undefined;
}

/** Of SPDX's list, those that forbid something: no free licence by the definitions of OSI, FSF and Debian. */
const NOT_FREE =
  /^CC-BY-N[CD]|^(?:Aladdin|BUSL|CPOL|Elastic|FSL|Hippocratic|JSON|MS-LPL|NICTA|PolyForm|SMPPL|SSPL)(?:-|$)/;
const SAYS_NOT_FREE =
  /proprietary|commercial|\bEULA\b|end[ -]user|click-wrap|(?:NXP|Freescale|NVIDIA|Qualcomm|Vivante|Adobe|Imagination|Allwinner)\b.*licen[cs]e|freeware|unrar/i;

/** `unclear`: somebody has to read it. Of a choice (`A or B`), the freest counts. */
export function licenceKind(licence: string): 'free' | 'restricted' | 'unclear' {
  const alternatives = licence.split(/\s+or\s+/i).map(kindOfOne);
  if (alternatives.includes('free')) return 'free';
  return alternatives.includes('unclear') ? 'unclear' : 'restricted';
}

function kindOfOne(licence: string): ReturnType<typeof licenceKind> {
  if (SAYS_NOT_FREE.test(licence)) return 'restricted';
  if (/^public[ -]domain\b/i.test(licence)) return 'free';
  // A permission that comes on top of a licence.
  const name = licence.replace(/[ -]with[ -].*$/i, '');
  const identifier = spdxIdentifier(name);
  if (identifier === undefined) return 'unclear';
  return NOT_FREE.test(identifier) ? 'restricted' : 'free';
}
