/**
 * OpenSSL's hash of a certificate's subject, by which it finds a certificate in a directory: the first four bytes of the
 * SHA-1 of the name in canonical form (X509_NAME_hash: strings as UTF-8, lower case, single spaces).
 */
import { createHash } from 'node:crypto';

interface Tlv {
  readonly tag: number;
  readonly value: Buffer;
  /** With its tag and length. */
  readonly whole: Buffer;
}

const SEQUENCE = 0x30;
const UTF8_STRING = 0x0c;
/** UTF8, Printable, Teletex, IA5, Visible, Universal, BMP. */
const STRINGS = new Set([0x0c, 0x13, 0x14, 0x16, 0x1a, 0x1c, 0x1e]);

/** `4042bcee` of the first certificate in a PEM text; undefined if there is none that can be read. */
export function subjectHash(pem: string): string | undefined {
  const base64 = /-----BEGIN CERTIFICATE-----([^-]+)-----END/.exec(pem)?.[1];
  if (base64 === undefined) return undefined;
  const [certificate] = readAll(Buffer.from(base64, 'base64'));
  const [body] = readAll(certificate?.value ?? Buffer.alloc(0));
  // version [0] (if any), serial number, algorithm, issuer, validity, subject
  const fields = readAll(body?.value ?? Buffer.alloc(0)).filter((field) => field.tag !== 0xa0);
  const subject = fields[4];
  if (subject?.tag !== SEQUENCE) return undefined;
  const canonical = Buffer.concat(readAll(subject.value).map(canonicalSet));
  return createHash('sha1').update(canonical).digest().readUInt32LE(0).toString(16).padStart(8, '0');
}

function canonicalSet(set: Tlv): Buffer {
  const attributes = readAll(set.value).map((attribute) => {
    const [type, value] = readAll(attribute.value);
    if (type === undefined || value === undefined) return attribute.whole;
    return encode(SEQUENCE, Buffer.concat([type.whole, canonicalValue(value)]));
  });
  return encode(set.tag, Buffer.concat(attributes.sort(Buffer.compare)));
}

function canonicalValue(value: Tlv): Buffer {
  if (!STRINGS.has(value.tag)) return value.whole;
  const text = decodeString(value)
    .replace(/[ \t\n\v\f\r]+/g, ' ')
    .replace(/^ | $/g, '')
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  return encode(UTF8_STRING, Buffer.from(text));
}

function decodeString({ tag, value }: Tlv): string {
  if (tag === UTF8_STRING) return value.toString('utf8');
  if (tag === 0x1e) return Buffer.from(value).swap16().toString('utf16le');
  return value.toString('latin1');
}

function readAll(data: Buffer): Tlv[] {
  const found: Tlv[] = [];
  for (let at = 0; at + 2 <= data.length; ) {
    const tag = data[at] ?? 0;
    let length = data[at + 1] ?? 0;
    let start = at + 2;
    if (length > 0x80) {
      const bytes = length & 0x7f;
      length = data.readUIntBE(start, bytes);
      start += bytes;
    }
    found.push({ tag, value: data.subarray(start, start + length), whole: data.subarray(at, start + length) });
    at = start + length;
  }
  return found;
}

function encode(tag: number, value: Buffer): Buffer {
  if (value.length < 0x80) return Buffer.concat([Buffer.from([tag, value.length]), value]);
  const bytes = value.length < 0x100 ? 1 : 2;
  const head = Buffer.alloc(2 + bytes);
  head[0] = tag;
  head[1] = 0x80 | bytes;
  head.writeUIntBE(value.length, 2, bytes);
  return Buffer.concat([head, value]);
}
