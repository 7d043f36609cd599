// Elementary functions on a vector type V (see vector_avx512_inl.h). The coefficients were fitted for this file by
// iteratively re-weighted least squares on Chebyshev points; the errors are maxima over a dense grid against double.
#pragma once

#include "kernels/kernel_table.h"

namespace vivace {
namespace {

// 2^x; relative error below 2e-7, 0 for x < -127.
template <typename V>
inline typename V::Reg exp2_vector(typename V::Reg x) {
  const auto whole = V::round(x);
  const auto f = V::sub(x, whole);  // -0.5 to 0.5
  auto p = V::broadcast(1.3276470e-3F);
  p = V::fma(p, f, V::broadcast(9.6755410e-3F));
  p = V::fma(p, f, V::broadcast(5.5507131e-2F));
  p = V::fma(p, f, V::broadcast(2.4022120e-1F));
  p = V::fma(p, f, V::broadcast(6.9314694e-1F));
  p = V::fma(p, f, V::broadcast(1.0000001F));
  return V::scale_by_power_of_two(p, whole);
}

// x·Φ(x), absolute error below 3e-7. With q(z) = 1 - Φ(z), gelu(x) = max(x, 0) - |x|·q(|x|), and log2 q is so close to
// a parabola that a polynomial of degree 6 and one exp2 give it: no division, no cancellation in the left tail.
template <typename V>
inline typename V::Reg gelu_vector(typename V::Reg x) {
  const auto magnitude = V::abs(x);
  const auto z = V::min(magnitude, V::broadcast(5.5F));  // q(5.5) = 2e-8: beyond it the second term vanishes
  auto p = V::broadcast(3.3092831e-5F);
  p = V::fma(p, z, V::broadcast(-7.6921983e-4F));
  p = V::fma(p, z, V::broadcast(8.0807172e-3F));
  p = V::fma(p, z, V::broadcast(-5.3412106e-2F));
  p = V::fma(p, z, V::broadcast(-4.5877097e-1F));
  p = V::fma(p, z, V::broadcast(-1.1512017F));
  p = V::fma(p, z, V::broadcast(-9.9999309e-1F));
  return V::fnma(magnitude, exp2_vector<V>(p), V::max(x, V::zero()));
}

// 1 / (1 + exp(-x)) for x given as y = -x·log2 e.
template <typename V>
inline typename V::Reg sigmoid_of_exponent(typename V::Reg y) {
  const auto one = V::broadcast(1.0F);
  // 2^126 is near enough to infinity, and its exponent is sure to fit.
  return V::div(one, V::add(one, exp2_vector<V>(V::min(y, V::broadcast(126.0F)))));
}

template <typename V>
inline typename V::Reg silu_vector(typename V::Reg x) {
  return V::mul(x, sigmoid_of_exponent<V>(V::mul(x, V::broadcast(-1.44269504F))));
}

// 0.5·(1 + tanh z) is the logistic function of 2z.
template <typename V>
inline typename V::Reg gelu_tanh_vector(typename V::Reg x) {
  constexpr float kFactor = -2.0F * 1.44269504F * 0.79788456F;
  const auto cubic = V::fma(V::mul(x, x), V::broadcast(0.044715F * kFactor), V::broadcast(kFactor));
  return V::mul(x, sigmoid_of_exponent<V>(V::mul(x, cubic)));
}

// Absolute error below 3e-7.
template <typename V>
inline typename V::Reg tanh_vector(typename V::Reg x) {
  const auto logistic = sigmoid_of_exponent<V>(V::mul(x, V::broadcast(-2.0F * 1.44269504F)));
  return V::fma(V::broadcast(2.0F), logistic, V::broadcast(-1.0F));
}

template <typename V>
inline typename V::Reg activate_vector(Activation activation, typename V::Reg x) {
  switch (activation) {
    case Activation::kNone: return x;
    case Activation::kGelu: return gelu_vector<V>(x);
    case Activation::kGeluTanh: return gelu_tanh_vector<V>(x);
    case Activation::kRelu: return V::max(x, V::zero());
    case Activation::kSilu: return silu_vector<V>(x);
    case Activation::kTanh: return tanh_vector<V>(x);
  }
  return x;
}

}  // namespace
}  // namespace vivace
