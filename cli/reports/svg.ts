/** Pictures as SVG 1.1: text with a few shapes, the same bytes for the same data, readable in any browser. */

/** An element with attributes; children are finished text. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  children: readonly string[] = [],
): string {
  const words = Object.entries(attributes).map(([key, value]) => ` ${key}="${escapeText(shown(value))}"`);
  const head = `<${name}${words.join('')}`;
  return children.length === 0 ? `${head}/>` : `${head}>${children.join('')}</${name}>`;
}

export function text(x: number, y: number, content: string, attributes: Readonly<Record<string, string>> = {}): string {
  return element('text', { x, y, ...attributes }, [escapeText(content)]);
}

export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly title: string;
  readonly children: readonly string[];
}

const STYLE =
  'text{font-family:sans-serif;font-size:12px;fill:#222}.title{font-size:16px;font-weight:bold}.small{font-size:11px;fill:#555}';

export function document({ width, height, title, children }: Picture): string {
  const root = element(
    'svg',
    { xmlns: 'http://www.w3.org/2000/svg', width, height, viewBox: `0 0 ${shown(width)} ${shown(height)}` },
    [
      element('title', {}, [escapeText(title)]),
      element('style', {}, [STYLE]),
      element('rect', { width: '100%', height: '100%', fill: '#fff' }),
      text(16, 26, title, { class: 'title' }),
      ...children.map((child) => `\n${child}`),
    ],
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n${root}\n`;
}

/** Two decimals at most: enough for pixels, and no noise of floating point. */
function shown(value: string | number): string {
  return typeof value === 'string' ? value : String(Math.round(value * 100) / 100);
}

/** What XML 1.0 cannot hold at all is left out. */
function escapeText(value: string): string {
  return value
    .replaceAll(/[\0-\x08\x0b\x0c\x0e-\x1f]/g, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** Of the font above, in pixels; wide enough for most text. */
export function textWidth(content: string): number {
  return content.length * 7;
}
