/**
 * crypt(3) with SHA-512 (`$6$…`), as specified by Ulrich Drepper in "Unix crypt using SHA-256 and SHA-512" (public domain):
 * for users tables that give a password in clear text. The salt is derived from the password and the user, because the same
 * inputs have to give the same image; what a random salt would hide, the layer that holds the password shows anyway.
 */
import { createHash } from 'node:crypto';

const ROUNDS = 5000;
const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

export function encryptPassword(password: string, user: string): string {
  const digest = sha512(Buffer.from(JSON.stringify([user, password])));
  const salt = Array.from(digest.subarray(0, 16), (byte) => ALPHABET[byte & 0x3f]).join('');
  return cryptSha512(password, salt);
}

/** `salt` is up to 16 characters of the alphabet. The letters A, B, C, DP, P, DS, S are those of the specification. */
export function cryptSha512(password: string, salt: string): string {
  const key = Buffer.from(password);
  const saltBytes = Buffer.from(salt);
  const b = sha512(key, saltBytes, key);
  const a = [key, saltBytes, repeated(b, key.length)];
  for (let bits = key.length; bits > 0; bits >>= 1) a.push(bits % 2 === 1 ? b : key);
  let c = sha512(...a);
  const p = repeated(sha512(...Array<Buffer>(key.length).fill(key)), key.length);
  const s = repeated(sha512(...Array<Buffer>(16 + (c[0] ?? 0)).fill(saltBytes)), saltBytes.length);
  for (let round = 0; round < ROUNDS; round += 1) {
    const odd = round % 2 === 1;
    const parts = [odd ? p : c];
    if (round % 3 !== 0) parts.push(s);
    if (round % 7 !== 0) parts.push(p);
    parts.push(odd ? c : p);
    c = sha512(...parts);
  }
  return `$6$${salt}$${encode(c)}`;
}

function sha512(...parts: readonly Buffer[]): Buffer {
  const hash = createHash('sha512');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** As many bytes of `block`, over and over, as `length` says. */
function repeated(block: Buffer, length: number): Buffer {
  return Buffer.alloc(length, block);
}

/** The 64 bytes in groups of three, whose order rotates from group to group; six bits a character, lowest first. */
function encode(digest: Buffer): string {
  let text = '';
  for (let group = 0; group < 21; group += 1) {
    const [x, y, z] = [0, 21, 42].map((start) => digest[start + group] ?? 0) as [number, number, number];
    const [high, middle, low] = (
      [
        [x, y, z],
        [y, z, x],
        [z, x, y],
      ] as const
    )[group % 3] ?? [x, y, z];
    text += sixBits((high << 16) | (middle << 8) | low, 4);
  }
  return text + sixBits(digest[63] ?? 0, 2);
}

function sixBits(value: number, characters: number): string {
  return Array.from({ length: characters }, (_, i) => ALPHABET[(value >> (6 * i)) & 0x3f]).join('');
}
