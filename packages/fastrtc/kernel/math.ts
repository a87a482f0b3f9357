// Arithmetic on four floats at a time. The optimiser inlines all but `exp`.

export function add(a: v128, b: v128): v128 {
  return f32x4.add(a, b);
}

export function sub(a: v128, b: v128): v128 {
  return f32x4.sub(a, b);
}

export function mul(a: v128, b: v128): v128 {
  return f32x4.mul(a, b);
}

/** sum + a * b, rounded twice: a fused version exists, but its result depends on the machine. */
export function mulAdd(sum: v128, a: v128, b: v128): v128 {
  return f32x4.add(sum, f32x4.mul(a, b));
}

/** sqrt(re² + im²). */
export function magnitude(re: v128, im: v128): v128 {
  return f32x4.sqrt(f32x4.add(f32x4.mul(re, re), f32x4.mul(im, im)));
}

/** max(x, 0). `pmax` is one instruction on x86; `max`, which must order -0 and NaN, is several. */
export function relu(x: v128): v128 {
  return f32x4.pmax(x, f32x4.splat(0));
}

/** 1 / (1 + exp(-x)). */
export function sigmoid(x: v128): v128 {
  const one = f32x4.splat(1);
  return f32x4.div(one, f32x4.add(one, exp(f32x4.neg(x))));
}

/** tanh(x) = 1 - 2 / (1 + exp(2x)). */
export function tanh(x: v128): v128 {
  const one = f32x4.splat(1);
  return f32x4.sub(one, f32x4.div(f32x4.splat(2), f32x4.add(one, exp(f32x4.add(x, x)))));
}

/** exp(x) to about one unit in the last place, for x clamped to ±87, where floats end. */
function exp(x: v128): v128 {
  x = f32x4.pmin(f32x4.splat(87), f32x4.pmax(f32x4.splat(-87), x));

  // x = n ln 2 + r with |r| <= ln 2 / 2. Adding 1.5 * 2^23 rounds to an integer and leaves that
  // integer in the low bits of the mantissa, ready to become an exponent.
  const rounder = f32x4.splat(12582912);
  const shifted = mulAdd(rounder, x, f32x4.splat(1.4426950408889634));
  const n = sub(shifted, rounder);
  // ln 2 in two parts, the first with so few bits that n times it is exact.
  let r = sub(x, mul(n, f32x4.splat(0.693359375)));
  r = sub(r, mul(n, f32x4.splat(-2.1219444e-4)));

  // The minimax polynomial of Cephes' expf: exp(r) = 1 + r + r² p(r).
  let p = f32x4.splat(1.98756915e-4);
  p = mulAdd(f32x4.splat(1.3981999507e-3), p, r);
  p = mulAdd(f32x4.splat(8.3334519073e-3), p, r);
  p = mulAdd(f32x4.splat(4.1665795894e-2), p, r);
  p = mulAdd(f32x4.splat(1.6666665459e-1), p, r);
  p = mulAdd(f32x4.splat(5.0000001201e-1), p, r);
  p = add(mulAdd(r, p, mul(r, r)), f32x4.splat(1));

  // Times 2^n, built by hand: (n + 127) << 23.
  return mul(p, i32x4.add(i32x4.shl(shifted, 23), i32x4.splat(127 << 23)));
}
