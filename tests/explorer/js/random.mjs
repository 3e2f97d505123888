/** Numbers from 0 to 1, the same ones for the same seed (a linear congruential generator). */
export function random(seed) {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 2 ** 32;
    return state / 2 ** 32;
  };
}
