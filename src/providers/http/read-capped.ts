/** What a vendor answers is a few KB, a list some 100 KB; what is longer than this is no answer, and not read to its end. */
export const MOST_ANSWER_BYTES = 4 * 1024 * 1024;

/** `null`: it is longer. The rest is not read, and its connection closed. */
export async function readCapped(body: AsyncIterable<Uint8Array>): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > MOST_ANSWER_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
