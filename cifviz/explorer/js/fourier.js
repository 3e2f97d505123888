// The power spectrum of real numbers, by a fast Fourier transform.

export class Fourier {
  /** @param {number} size Numbers of a transform: a power of two, 4 at least. */
  constructor(size) {
    this.size = size;
    const half = size / 2;
    this.real = new Float64Array(half);
    this.imaginary = new Float64Array(half);
    /** e^(−2πik / size) */
    this.cos = Float64Array.from({ length: half }, (_, k) => Math.cos((2 * Math.PI * k) / size));
    this.sin = Float64Array.from({ length: half }, (_, k) => -Math.sin((2 * Math.PI * k) / size));
    /** Each index with its bits in the opposite order. */
    this.turned = new Uint32Array(half);
    for (let index = 1; index < half; index += 1) {
      this.turned[index] = (this.turned[index >> 1] >> 1) | (index & 1 ? half >> 1 : 0);
    }
  }

  /**
   * Squared magnitudes of |Σ_n x_n e^(−2πikn / size)|² for k from 0 to size / 2.
   *
   * @param {ArrayLike<number>} numbers (size)
   * @param {Float64Array} power Gets them (1 + size / 2).
   */
  power(numbers, power) {
    // Two real numbers make one complex one: a transform of half the size is enough.
    const { real, imaginary, turned, cos, sin } = this;
    const half = this.size / 2;
    for (let index = 0; index < half; index += 1) {
      real[turned[index]] = numbers[2 * index];
      imaginary[turned[index]] = numbers[2 * index + 1];
    }
    this.transform();
    power[0] = (real[0] + imaginary[0]) ** 2;
    power[half] = (real[0] - imaginary[0]) ** 2;
    for (let k = 1; k < half; k += 1) {
      const [r, i, s, j] = [real[k], imaginary[k], real[half - k], imaginary[half - k]];
      // Those of even and of odd index apart, then the odd ones turned.
      const [evenReal, evenImaginary] = [(r + s) / 2, (i - j) / 2];
      const [oddReal, oddImaginary] = [(i + j) / 2, (s - r) / 2];
      const sumReal = evenReal + cos[k] * oddReal - sin[k] * oddImaginary;
      const sumImaginary = evenImaginary + cos[k] * oddImaginary + sin[k] * oddReal;
      power[k] = sumReal * sumReal + sumImaginary * sumImaginary;
    }
  }

  /** The complex transform in place, of numbers in turned order (radix 2). */
  transform() {
    const { real, imaginary, cos, sin } = this;
    const half = this.size / 2;
    for (let wide = 1; wide < half; wide *= 2) {
      const step = half / wide; // of the table, which is for twice the size
      for (let begin = 0; begin < half; begin += 2 * wide) {
        for (let n = 0, angle = 0; n < wide; n += 1, angle += step) {
          const [one, other] = [begin + n, begin + n + wide];
          const r = real[other] * cos[angle] - imaginary[other] * sin[angle];
          const i = real[other] * sin[angle] + imaginary[other] * cos[angle];
          real[other] = real[one] - r;
          imaginary[other] = imaginary[one] - i;
          real[one] += r;
          imaginary[one] += i;
        }
      }
    }
  }
}
