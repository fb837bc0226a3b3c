/*
 * MinHash: of a set's members, each hashed, the smallest hash of each of many bins is kept (one permutation hashing; Li, Owen
 * and Zhang 2012). Two sets have the same one as often as their Jaccard similarity says. Of every hash four bits are kept
 * (b-bit minwise hashing; Li and König 2010), 0 for a bin without any.
 */

/** Of the signature. A post has some 200 grams: most bins hold one or none, which makes the estimate nearly exact. */
export const BINS = 256;
export const SIGNATURE_BYTES = BINS / 2;
const NIBBLES = 15;
/**
 * Bands of so many bins each. Pairs at a similarity of 0.75 share at least one with a probability of 0.99, at 0.05, as any two
 * texts of one language have, of 5e-6: among a million texts a handful are looked at in vain.
 */
const BANDS = 16;
const BINS_OF_BAND = 5;
const BAND_BINS = BANDS * BINS_OF_BAND;
const GRAM_CODE_POINTS = 4;
const NOTHING = 0xffffffff;

export interface Signature {
  readonly bytes: Buffer;
  /** A hash of each band, 32 bits. */
  readonly bands: readonly number[];
}

/** @param text normalised, not empty */
export function signatureOf(text: string): Signature {
  const smallest = new Uint32Array(BINS).fill(NOTHING);
  const ofBands = new Uint32Array(BAND_BINS).fill(NOTHING);
  const points = codePointsOf(text);
  // Of every four code points in a row; of all of a shorter text.
  const grams = Math.max(1, points.length - GRAM_CODE_POINTS + 1);
  for (let first = 0; first < grams; first++) {
    const hash = hashOf(points, first, Math.min(points.length, first + GRAM_CODE_POINTS));
    const bin = hash >>> 24;
    smallest[bin] = Math.min(smallest[bin] as number, hash & 0xffffff);
    const bandBin = hash % BAND_BINS;
    ofBands[bandBin] = Math.min(ofBands[bandBin] as number, Math.floor(hash / BAND_BINS));
  }
  const bytes = Buffer.alloc(SIGNATURE_BYTES);
  for (let bin = 0; bin < BINS; bin++) {
    const hash = smallest[bin] as number;
    const nibble = hash === NOTHING ? 0 : 1 + (mix(hash) % NIBBLES);
    bytes[bin >> 1] = (bytes[bin >> 1] as number) | (nibble << ((bin & 1) * 4));
  }
  return { bytes, bands: bandsOf(ofBands) };
}

/** A bin without any hash borrows from the next that has one: texts that are alike have the same empty bins. */
function bandsOf(smallest: Uint32Array): number[] {
  const filled = (bin: number): number => {
    for (let step = 0; step < BAND_BINS; step++) {
      const hash = smallest[(bin + step) % BAND_BINS] as number;
      if (hash !== NOTHING) return mix(hash + step);
    }
    return 0;
  };
  return Array.from({ length: BANDS }, (_, band) => {
    let hash = band;
    for (let row = 0; row < BINS_OF_BAND; row++) hash = mix(hash ^ filled(band * BINS_OF_BAND + row));
    return hash;
  });
}

function codePointsOf(text: string): Uint32Array {
  const points = new Uint32Array(text.length);
  let count = 0;
  for (let index = 0; index < text.length; index++) {
    const point = text.codePointAt(index) ?? 0;
    points[count++] = point;
    if (point > 0xffff) index++;
  }
  return points.subarray(0, count);
}

/** FNV-1a over code points. */
function hashOf(points: Uint32Array, from: number, to: number): number {
  let hash = 0x811c9dc5;
  for (let index = from; index < to; index++) hash = Math.imul(hash ^ (points[index] as number), 0x01000193);
  return mix(hash);
}

/** MurmurHash3's finaliser: every bit of the input changes about half of the output's. */
function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
