import crypto from "node:crypto";

/** Not fuller than that: a place is found within a few steps. */
const MOST_FILLED = 0.7;
/** Twice would have a large set be copied into one that is far too large. */
const GROWTH = 1.5;
const FIRST_PLACES = 1024;

/**
 * A set of ids that takes some 30 bytes for each, whatever their length: of an id a hash of 64 bits is kept. That two of a
 * million ids have the same one happens once in 37 million sets. With every id go a number and 32 bits of the hash of a
 * content.
 */
export class IdSet {
  #places = FIRST_PLACES;
  #hashes = new BigUint64Array(FIRST_PLACES);
  #contents = new Uint32Array(FIRST_PLACES);
  #numbers = new Uint32Array(FIRST_PLACES);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(id: string): boolean {
    return this.#hashes[this.#placeOf(hashOf(id))] !== 0n;
  }

  /**
   * @param number below 2^32
   * @returns what was added with the same id before; `undefined`: it is new
   */
  add(id: string, number = 0, content = ""): { readonly number: number; readonly isSameContent: boolean } | undefined {
    const key = hashOf(id);
    const place = this.#placeOf(key);
    const contentHash = Number(hashOf(content) & 0xffff_ffffn);
    if (this.#hashes[place] !== 0n) {
      return { number: this.#numbers[place] ?? 0, isSameContent: this.#contents[place] === contentHash };
    }
    this.#put(place, { hash: key, content: contentHash, number });
    this.#size++;
    if (this.#size > this.#places * MOST_FILLED) this.#grow();
    return undefined;
  }

  #put(place: number, entry: { readonly hash: bigint; readonly content: number; readonly number: number }): void {
    this.#hashes[place] = entry.hash;
    this.#contents[place] = entry.content;
    this.#numbers[place] = entry.number;
  }

  /** Where the hash is, or would be. */
  #placeOf(hash: bigint): number {
    let place = Number(hash % BigInt(this.#places));
    while (this.#hashes[place] !== 0n && this.#hashes[place] !== hash) place = (place + 1) % this.#places;
    return place;
  }

  #grow(): void {
    const [hashes, contents, numbers] = [this.#hashes, this.#contents, this.#numbers];
    this.#places = Math.ceil(this.#places * GROWTH);
    this.#hashes = new BigUint64Array(this.#places);
    this.#contents = new Uint32Array(this.#places);
    this.#numbers = new Uint32Array(this.#places);
    hashes.forEach((hash, place) => {
      if (hash === 0n) return;
      this.#put(this.#placeOf(hash), { hash, content: contents[place] ?? 0, number: numbers[place] ?? 0 });
    });
  }
}

/** Never 0, which stands for an empty place. */
function hashOf(text: string): bigint {
  return crypto.hash("md5", text, "buffer").readBigUInt64LE() || 1n;
}
