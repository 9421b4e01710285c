/**
 * Debian's control format (deb822): paragraphs of `Field: value` with continuation lines. Read for apt sources, package
 * control files and the output of apt-cache; nothing here knows what the fields mean.
 */

/** Field names in lower case; continuation lines joined by newlines, without their leading space. */
export type Paragraph = ReadonlyMap<string, string>;

export function parseParagraphs(text: string): Paragraph[] {
  const paragraphs: Paragraph[] = [];
  let fields = new Map<string, string>();
  let last: string | undefined;
  const end = (): void => {
    if (fields.size > 0) paragraphs.push(fields);
    fields = new Map();
    last = undefined;
  };
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    if (line.trim() === '') {
      end();
    } else if (/^[ \t]/.test(line)) {
      if (last !== undefined) fields.set(last, `${fields.get(last) ?? ''}\n${line.slice(1)}`);
    } else {
      const colon = line.indexOf(':');
      if (colon <= 0) continue;
      last = line.slice(0, colon).toLowerCase();
      fields.set(last, line.slice(colon + 1).trim());
    }
  }
  end();
  return paragraphs;
}

/** As text again, ended by a newline. */
export function formatParagraph(paragraph: Paragraph): string {
  return [...paragraph].map(([field, value]) => `${field}: ${value.replaceAll('\n', '\n ')}\n`).join('');
}

/** Words of a whitespace-separated field. */
export function fieldWords(paragraph: Paragraph, field: string): string[] {
  return (paragraph.get(field) ?? '').split(/\s+/).filter((word) => word !== '');
}
