// The first picture of an HEVC stream, by libde265.
#include "frame.h"
#include "libde265/de265.h"

static frame out;
static de265_decoder_context *ctx;

static frame *fail(uint32_t code) {
  out = {};
  out.error = code;
  return &out;
}

static uint32_t be32(const uint8_t *p) {
  return uint32_t(p[0]) << 24 | uint32_t(p[1]) << 16 | uint32_t(p[2]) << 8 | p[3];
}

// decode decodes the first picture of a sequence of NAL units, each after its
// length in 32 bits, most significant byte first. What it returns is valid until
// the next call. A warning is a failure: it says that a part is missing or
// broken, and that part would be left grey.
extern "C" frame *decode(const uint8_t *data, uint32_t len, uint32_t max_pixels) {
  if (ctx) {
    de265_free_decoder(ctx);
  }
  ctx = de265_new_decoder();
  if (!ctx) {
    return fail(1);
  }
  de265_security_limits limits = *de265_get_security_limits(ctx);
  limits.max_image_size_pixels = max_pixels;
  de265_set_security_limits(ctx, &limits);
  while (len >= 4) {
    uint32_t n = be32(data);
    data += 4;
    len -= 4;
    if (n > len) {
      return fail(2);
    }
    de265_error err = de265_push_NAL(ctx, data, int(n), 0, nullptr);
    if (err != DE265_OK) {
      return fail(1000 + err);
    }
    data += n;
    len -= n;
  }
  de265_flush_data(ctx);
  const de265_image *img = nullptr;
  for (int more = 1; more && !img;) {
    more = 0;
    de265_error err = de265_decode(ctx, &more);
    if (!de265_isOK(err)) {
      return fail(2000 + err);
    }
    img = de265_get_next_picture(ctx);
  }
  if (!img) {
    return fail(3);
  }
  if (de265_error w = de265_get_warning(ctx)) {
    return fail(3000 + w);
  }
  out = {};
  out.width = uint32_t(de265_get_image_width(img, 0));
  out.height = uint32_t(de265_get_image_height(img, 0));
  out.chroma = uint32_t(de265_get_chroma_format(img));
  out.bits = uint32_t(de265_get_bits_per_pixel(img, 0));
  out.primaries = uint32_t(de265_get_image_colour_primaries(img));
  out.transfer = uint32_t(de265_get_image_transfer_characteristics(img));
  out.matrix = uint32_t(de265_get_image_matrix_coefficients(img));
  out.full_range = uint32_t(de265_get_image_full_range_flag(img));
  for (int c = 0; c < (out.chroma ? 3 : 1); c++) {
    if (de265_get_bits_per_pixel(img, c) != int(out.bits)) {
      return fail(4);
    }
    int stride = 0;
    out.plane[c] = de265_get_image_plane(img, c, &stride);
    out.stride[c] = uint32_t(stride);
  }
  return &out;
}
