// Two small networks and their steps, in plain JavaScript: the same arithmetic as avgen/lessons/game.py, which the tests compare it with.

/** Numbers between 0 and 1 that depend on the seed alone (mulberry32), and standard normal ones made of them. */
export function chance(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const normal = () => Math.sqrt(-2 * Math.log(next() || 1e-12)) * Math.cos(2 * Math.PI * next());
  return { next, normal, normals: (n) => Float64Array.from({ length: n }, normal) };
}

/** Layers of [inputs, outputs]; between them a leaky rectifier. `weights` holds w (outputs x inputs) and b of each layer in turn, as in torch. */
export class Network {
  constructor(shape, weights) {
    this.shape = shape;
    this.size = shape.reduce((sum, [i, o]) => sum + i * o + o, 0);
    this.w = Float64Array.from(weights);
    this.gradient = new Float64Array(this.size);
    this.mean = new Float64Array(this.size);
    this.square = new Float64Array(this.size);
    this.time = 0;
  }

  forward(x, n) {
    this.kept = [];
    let at = 0;
    this.shape.forEach(([inputs, outputs], layer) => {
      const y = new Float64Array(n * outputs), last = layer === this.shape.length - 1, b = at + inputs * outputs;
      for (let s = 0; s < n; s++)
        for (let o = 0; o < outputs; o++) {
          let sum = this.w[b + o];
          for (let i = 0; i < inputs; i++) sum += this.w[at + o * inputs + i] * x[s * inputs + i];
          y[s * outputs + o] = last || sum > 0 ? sum : 0.2 * sum;
        }
      this.kept.push([x, y, at]);
      at = b + outputs;
      x = y;
    });
    this.n = n;
    return x;
  }

  /** Adds the gradients of the weights, given those of the outputs; returns those of the inputs. */
  backward(dy) {
    for (let layer = this.shape.length - 1; layer >= 0; layer--) {
      const [inputs, outputs] = this.shape[layer], [x, y, at] = this.kept[layer], b = at + inputs * outputs, last = layer === this.shape.length - 1;
      const dx = new Float64Array(this.n * inputs);
      for (let s = 0; s < this.n; s++)
        for (let o = 0; o < outputs; o++) {
          const d = dy[s * outputs + o] * (last || y[s * outputs + o] > 0 ? 1 : 0.2);
          if (d === 0) continue;
          this.gradient[b + o] += d;
          for (let i = 0; i < inputs; i++) {
            this.gradient[at + o * inputs + i] += d * x[s * inputs + i];
            dx[s * inputs + i] += d * this.w[at + o * inputs + i];
          }
        }
      dy = dx;
    }
    return dy;
  }

  /** One step of Adam (betas 0 and 0.9), then the gradients are forgotten. */
  step(rate) {
    this.time++;
    const correct = 1 - 0.9 ** this.time;
    for (let i = 0; i < this.size; i++) {
      const g = this.gradient[i];
      this.square[i] = 0.9 * this.square[i] + 0.1 * g * g;
      this.w[i] -= (rate * g) / (Math.sqrt(this.square[i] / correct) + 1e-8);
    }
    this.gradient.fill(0);
  }
}

const mean = (x) => x.reduce((sum, v) => sum + v, 0) / x.length;

/** The game: D's hinge loss and G's, as in the paper. `real` and `noise` are flat arrays of (n, 2). */
export class Game {
  constructor(hidden, discriminator, generator) {
    this.D = new Network([[2, hidden], [hidden, hidden], [hidden, 1]], discriminator);
    this.G = new Network([[2, hidden], [hidden, hidden], [hidden, 2]], generator);
  }

  paint(noise) { return this.G.forward(noise, noise.length / 2); }

  score(points) { return this.D.forward(points, points.length / 2); }

  dStep(real, noise, rate) {
    const fake = this.paint(noise), n = real.length / 2, m = fake.length / 2;
    const right = this.score(real);
    this.D.backward(right.map((s) => (s < 1 ? -1 / n : 0)));
    const wrong = this.score(fake);
    this.D.backward(wrong.map((s) => (s > -1 ? 1 / m : 0)));
    this.D.step(rate);
    return { loss: mean(right.map((s) => Math.max(0, 1 - s))) + mean(wrong.map((s) => Math.max(0, 1 + s))), real: mean(right), fake: mean(wrong) };
  }

  gStep(noise, rate) {
    const fake = this.paint(noise), m = fake.length / 2, scores = this.score(fake);
    const pull = this.D.backward(scores.map(() => -1 / m));
    this.D.gradient.fill(0); // it judges and does not learn
    this.G.backward(pull);
    this.G.step(rate);
    return { loss: -mean(scores), fake: mean(scores) };
  }

  /** Where the score rises fastest at each point: the way that the generator is told to go, (n, 2). */
  pull(points) {
    const scores = this.score(points), up = this.D.backward(scores.map(() => 1));
    this.D.gradient.fill(0);
    return up;
  }
}
