/**
 * What an image has instead of clocks and dice: one time for everything in it, and identifiers that follow from content.
 */
import { sha256 } from '../host/files.ts';
import { IMAGE_TIME } from '../rootfs/image-time.ts';

/** Makes dosfstools, mtools and e2fsprogs take {@link IMAGE_TIME} for the present. */
export const IMAGE_TIME_ENVIRONMENT: Readonly<Record<string, string>> = {
  SOURCE_DATE_EPOCH: String(IMAGE_TIME),
  // e2fsprogs before 1.47.1 knows only this one.
  E2FSPROGS_FAKE_TIME: String(IMAGE_TIME),
};

/** A UUID (version 8, RFC 9562) that follows from what it identifies; `purpose` keeps several of one content apart. */
export function uuidFrom(content: string, purpose: string): string {
  const hex = sha256(`${purpose}\0${content}`);
  const variant = ((Number.parseInt(hex[16] ?? '0', 16) & 0x3) | 0x8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
