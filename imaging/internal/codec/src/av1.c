// The first picture of an AV1 stream, by dav1d.
#include <errno.h>
#include <string.h>

#include "dav1d/dav1d.h"
#include "frame.h"

__attribute__((import_module("env"), import_name("tick"))) void tick(void);

// The linker puts these around the functions that dav1d calls after each row of
// blocks: there the host is asked whether to go on.
struct Dav1dFrameContext;
void __real_dav1d_filter_sbrow_8bpc(struct Dav1dFrameContext *f, int row);
void __real_dav1d_filter_sbrow_16bpc(struct Dav1dFrameContext *f, int row);

void __wrap_dav1d_filter_sbrow_8bpc(struct Dav1dFrameContext *f, int row) {
  tick();
  __real_dav1d_filter_sbrow_8bpc(f, row);
}

void __wrap_dav1d_filter_sbrow_16bpc(struct Dav1dFrameContext *f, int row) {
  tick();
  __real_dav1d_filter_sbrow_16bpc(f, row);
}

static struct frame out;
static Dav1dContext *ctx;
static Dav1dPicture pic;

static struct frame *fail(uint32_t code) {
  memset(&out, 0, sizeof out);
  out.error = code;
  return &out;
}

// decode decodes the first picture of a sequence of OBUs, at its highest spatial
// layer. What it returns is valid until the next call.
struct frame *decode(const uint8_t *data, uint32_t len, uint32_t max_pixels) {
  if (ctx) {
    dav1d_picture_unref(&pic);
    dav1d_close(&ctx);
  }
  Dav1dSettings s;
  dav1d_default_settings(&s);
  s.n_threads = 1;
  s.max_frame_delay = 1;
  s.all_layers = 0;
  s.frame_size_limit = max_pixels;
  memset(&pic, 0, sizeof pic);
  if (dav1d_open(&ctx, &s) < 0) {
    return fail(1);
  }
  Dav1dData in = {0};
  uint8_t *copy = dav1d_data_create(&in, len);
  if (!copy) {
    return fail(2);
  }
  memcpy(copy, data, len);
  int got;
  do {
    if (in.sz) {
      int err = dav1d_send_data(ctx, &in);
      if (err < 0 && err != DAV1D_ERR(EAGAIN)) {
        dav1d_data_unref(&in);
        return fail((uint32_t)(1000 - err));
      }
    }
    got = dav1d_get_picture(ctx, &pic);
  } while (got == DAV1D_ERR(EAGAIN) && in.sz);
  if (in.sz) {
    dav1d_data_unref(&in);
  }
  if (got < 0) {
    return fail((uint32_t)(2000 - got));
  }
  memset(&out, 0, sizeof out);
  out.width = (uint32_t)pic.p.w;
  out.height = (uint32_t)pic.p.h;
  out.chroma = (uint32_t)pic.p.layout;
  out.bits = (uint32_t)pic.p.bpc;
  out.primaries = (uint32_t)pic.seq_hdr->pri;
  out.transfer = (uint32_t)pic.seq_hdr->trc;
  out.matrix = (uint32_t)pic.seq_hdr->mtrx;
  out.full_range = (uint32_t)pic.seq_hdr->color_range;
  for (int c = 0; c < (out.chroma ? 3 : 1); c++) {
    out.plane[c] = pic.data[c];
    out.stride[c] = (uint32_t)pic.stride[c > 0];
  }
  return &out;
}
