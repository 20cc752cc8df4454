// What is attended, as sound: the source's own short-time Fourier transform, weighted by a map over time and frequency, and turned back. No kernel, no network.

const circles = new Map();

function circle(n) {
  if (!circles.has(n)) circles.set(n, [Math.cos, Math.sin].map((f) => Float64Array.from({ length: n / 2 }, (_, k) => f((2 * Math.PI * k) / n))));
  return circles.get(n);
}

/** In-place complex Fourier transform of a power-of-two length; `sign` -1 forward, +1 back (not divided by the length). */
function fourier(real, imaginary, sign) {
  const n = real.length, [cos, sin] = circle(n);
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) [real[i], real[j], imaginary[i], imaginary[j]] = [real[j], real[i], imaginary[j], imaginary[i]];
  }
  for (let length = 2; length <= n; length <<= 1) {
    const half = length >> 1, step = n / length;
    for (let start = 0; start < n; start += length) {
      for (let k = 0; k < half; k++) {
        const a = start + k, b = a + half, c = cos[k * step], s = sign * sin[k * step];
        const r = real[b] * c - imaginary[b] * s, i = real[b] * s + imaginary[b] * c;
        real[b] = real[a] - r; imaginary[b] = imaginary[a] - i;
        real[a] += r; imaginary[a] += i;
      }
    }
  }
}

/** The short-time Fourier transform of 16-bit samples: Hann windows of `size` (a power of two), one every `hop` samples, centred on them. */
export class Transform {
  constructor(samples, rate, size, hop) {
    Object.assign(this, { samples, rate, size, hop, frames: samples.length ? 1 + Math.floor(samples.length / hop) : 0 });
    this.window = Float64Array.from({ length: size }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size));
    this.real = [];
    this.imaginary = [];
    for (let frame = 0; frame < this.frames; frame++) {
      const real = new Float64Array(size), imaginary = new Float64Array(size), begin = frame * hop - size / 2;
      for (let i = 0; i < size; i++) real[i] = this.window[i] * ((samples[begin + i] ?? 0) / 32768);
      fourier(real, imaginary, -1);
      this.real.push(Float32Array.from(real.subarray(0, size / 2 + 1)));
      this.imaginary.push(Float32Array.from(imaginary.subarray(0, size / 2 + 1)));
    }
  }

  hertz(bin) { return (bin * this.rate) / this.size; }

  seconds(frame) { return (frame * this.hop) / this.rate; }

  /** 16-bit samples of the sound with each point of the transform multiplied by `gains[row * columns + column]`: the cell of a grid that holds it, whose
   *  rows lie between `edges` (Hz, one more than rows) and whose columns divide `span` (seconds). Above the highest edge there is silence. */
  masked(gains, [rows, columns], edges, span) {
    const { size, hop, samples } = this, out = new Float64Array(samples.length), weight = new Float64Array(samples.length), half = size / 2;
    const rowOf = Int32Array.from({ length: half + 1 }, (_, bin) => {
      const hertz = this.hertz(bin);
      if (hertz > edges[rows]) return -1;
      return Math.max(edges.findIndex((edge, i) => i > 0 && hertz <= edge) - 1, 0);
    });
    for (let frame = 0; frame < this.frames; frame++) {
      const column = Math.min(Math.max(Math.floor(((this.seconds(frame) - span[0]) / (span[1] - span[0])) * columns), 0), columns - 1);
      const real = new Float64Array(size), imaginary = new Float64Array(size);
      for (let bin = 0; bin <= half; bin++) {
        const gain = rowOf[bin] < 0 ? 0 : gains[rowOf[bin] * columns + column];
        if (!gain) continue;
        real[bin] = gain * this.real[frame][bin];
        imaginary[bin] = gain * this.imaginary[frame][bin];
        if (bin > 0 && bin < half) { real[size - bin] = real[bin]; imaginary[size - bin] = -imaginary[bin]; }
      }
      fourier(real, imaginary, 1);
      const begin = frame * hop - half;
      for (let i = Math.max(0, -begin); i < size && begin + i < out.length; i++) {
        out[begin + i] += (real[i] / size) * this.window[i];
        weight[begin + i] += this.window[i] ** 2;
      }
    }
    return Int16Array.from(out, (v, i) => Math.max(-32768, Math.min(32767, Math.round((32768 * v) / Math.max(weight[i], 1e-6)))));
  }
}

/** How loud each cell of a map is heard, 0..1: its weight over the largest; nothing below `threshold` of the largest, nor below `share`, the equal share of uniform attention. */
export function gainsOf(values, threshold, share) {
  let most = 0;
  for (const v of values) if (v > most) most = v;
  const least = Math.max(threshold * most, share * 0.999);
  return Float32Array.from(values, (v) => (v >= least && most > 0 ? v / most : 0));
}
