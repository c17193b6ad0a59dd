/* Element-wise work of Kokoro's vocoder between its convolutions, on rows of channels: x[t][c], t < rows.
   Compiled on first use; `-ffast-math` lets the compiler vectorise the sums and the sine. */
#include <math.h>
#include <stdint.h>

/* sin(v)^2, to about 1e-6: with k the nearest multiple of pi, sin(v)^2 = sin(v - k)^2, and a polynomial for the rest. */
static inline float squared_sine(float v) {
    float r = v - 3.14159274f * rintf(v * 0.318309886f);
    float r2 = r * r;
    float s = r * (1.0f + r2 * (-0.16666667f + r2 * (8.3333310e-3f + r2 * (-1.98408743e-4f + r2 * (2.7525562e-6f - r2 * 2.38e-8f)))));
    return s * s;
}

/* Adds y to x where y is not null, then the mean and 1 / deviation of every channel over time. */
void add_and_measure(float *x, const float *y, long rows, int channels, float *mean, float *inverse) {
    float sum[1024], square[1024];
    for (int c = 0; c < channels; c++) sum[c] = square[c] = 0.0f;
    double total[1024], squares[1024];
    for (int c = 0; c < channels; c++) total[c] = squares[c] = 0.0;
    for (long t = 0; t < rows; t++) {
        float *row = x + t * channels;
        if (y) {
            const float *other = y + t * channels;
            for (int c = 0; c < channels; c++) row[c] += other[c];
        }
        for (int c = 0; c < channels; c++) { sum[c] += row[c]; square[c] += row[c] * row[c]; }
        if (t % 512 == 511 || t == rows - 1)
            for (int c = 0; c < channels; c++) {
                total[c] += sum[c]; squares[c] += square[c];
                sum[c] = square[c] = 0.0f;
            }
    }
    for (int c = 0; c < channels; c++) {
        double m = total[c] / rows, v = squares[c] / rows - m * m;
        mean[c] = (float)m;
        inverse[c] = (float)(1.0 / sqrt((v > 0 ? v : 0) + 1e-5));
    }
}

/* y = scale x + shift, plus sin(alpha y)^2 / alpha, as unsigned bytes with one scale and zero point;
   rows up to `padded` are zero. range[0], range[1]: scale and zero point. */
void snake_to_bytes(const float *x, long rows, long padded, int channels, const float *scale, const float *shift,
                    const float *alpha, const float *reciprocal, uint8_t *out, float *range) {
    float low = 0.0f, high = 0.0f;
    for (long t = 0; t < rows; t++) {
        const float *row = x + t * channels;
        for (int c = 0; c < channels; c++) {
            float y = row[c] * scale[c] + shift[c];
            y += reciprocal[c] * squared_sine(alpha[c] * y);
            low = y < low ? y : low;
            high = y > high ? y : high;
        }
    }
    float step = (high - low) / 255.0f;
    if (!(step > 1e-12f)) step = 1e-12f;
    float zero = rintf(-low / step), inverse = 1.0f / step;
    for (long t = 0; t < rows; t++) {
        const float *row = x + t * channels;
        uint8_t *to = out + t * channels;
        for (int c = 0; c < channels; c++) {
            float y = row[c] * scale[c] + shift[c];
            y += reciprocal[c] * squared_sine(alpha[c] * y);
            float q = rintf(y * inverse) + zero;
            q = q < 0.0f ? 0.0f : q > 255.0f ? 255.0f : q;
            to[c] = (uint8_t)(int)q;
        }
    }
    uint8_t fill = (uint8_t)(int)zero;
    for (long i = rows * channels; i < padded * channels; i++) out[i] = fill;
    range[0] = step;
    range[1] = zero;
}
