/** What was read from a YAML file of the user, and where in the file each value stands. */
import type { Place } from '../failure.ts';

/** Keys and indices from the top of a document to a value. */
export type ValuePath = readonly PropertyKey[];

export interface YamlFile<T> {
  readonly file: string;
  readonly data: T;
  /** Where the value is, or the nearest thing around it if it is not written at all. */
  readonly placeOf: (path: ValuePath) => Place;
  /** Where the key of an entry is. */
  readonly placeOfKey: (path: ValuePath, key: string) => Place;
  /** A scalar as it was written: `1.10`, where the data has the number 1.1. */
  readonly sourceOf: (path: ValuePath) => string | undefined;
}
