// Numbers travel as base64.

/**
 * Bytes of a base64 text.
 *
 * @param {string} text
 */
export function bytes(text) {
  const characters = atob(text);
  const found = new Uint8Array(characters.length);
  for (let index = 0; index < found.length; index += 1) found[index] = characters.charCodeAt(index);
  return found;
}
