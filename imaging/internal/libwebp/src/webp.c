// WebP by libwebp: rows of a lossy picture, and whole files.
#include <stdlib.h>

#include "src/dec/vp8_dec.h"
#include "src/dec/vp8i_dec.h"
#include "src/dec/webpi_dec.h"
#include "src/dsp/cpu.h"
#include "src/webp/encode.h"

// tick asks the host whether to go on, and does not return if not. So does rows,
// which hands the host n rows of a picture, from the one numbered y: luma, chroma
// for every other row and, unless it is 0, alpha, which has no gap between rows.
__attribute__((import_module("env"), import_name("tick"))) void tick(void);
__attribute__((import_module("env"), import_name("rows"))) void rows(
    int y, int n, const uint8_t *luma, const uint8_t *cb, const uint8_t *cr,
    int luma_stride, int chroma_stride, const uint8_t *alpha);

// The SSE2 and SSE4.1 of libwebp are translated to WebAssembly's.
static int cpu(CPUFeature f) { return f == kSSE2 || f == kSSE4_1; }
VP8CPUInfo VP8GetCPUInfo = cpu;

static int put(const VP8Io *io) {
  rows(io->mb_y, io->mb_h, io->y, io->u, io->v, io->y_stride, io->uv_stride, io->a);
  return 1;
}

// decode decodes a lossy picture of w x h pixels, handing out its rows as they come.
// It returns 0, or why it failed, as VP8StatusCode says.
int decode(const uint8_t *data, size_t len, int w, int h) {
  WebPHeaderStructure head = {.data = data, .data_size = len, .have_all_data = 1};
  VP8StatusCode status = WebPParseHeaders(&head);
  if (status != VP8_STATUS_OK) {
    return status;
  }
  VP8Io io;
  if (head.is_lossless || !VP8InitIo(&io)) {
    return VP8_STATUS_UNSUPPORTED_FEATURE;
  }
  io.data = data + head.offset;
  io.data_size = len - head.offset;
  io.put = put;
  VP8Decoder *dec = VP8New();
  if (!dec) {
    return VP8_STATUS_OUT_OF_MEMORY;
  }
  dec->alpha_data = head.alpha_data;
  dec->alpha_data_size = head.alpha_data_size;
  if (!VP8GetHeaders(dec, &io)) {
    status = dec->status;
  } else if (io.width != w || io.height != h) {
    status = VP8_STATUS_INVALID_PARAM;
  } else if (!VP8Decode(dec, &io)) {
    status = dec->status;
  }
  VP8Delete(dec);
  return status;
}

// reserve makes the memory grow at once by what is going to be needed.
int reserve(size_t len) {
  void *volatile p = malloc(len);
  free(p);
  return p != 0;
}

static WebPPicture pic;
static WebPMemoryWriter out;

static int progress(int percent, const WebPPicture *p) {
  tick();
  return 1;
}

// planes makes room for an opaque picture and returns where its luma and chroma
// are, in rows with no gap: chroma has half as many samples each way, rounded up.
// It is 0 if there is no memory.
uint8_t **planes(int w, int h) {
  static uint8_t *at[3];
  if (!WebPPictureInit(&pic)) {
    return 0;
  }
  pic.width = w;
  pic.height = h;
  if (!WebPPictureAlloc(&pic)) {
    return 0;
  }
  at[0] = pic.y;
  at[1] = pic.u;
  at[2] = pic.v;
  return at;
}

// pixels makes the picture of pixels of four bytes, of which alpha is the last,
// and frees them. It is 0 if there is no memory.
int pixels(uint8_t *rgba, int w, int h) {
  if (!WebPPictureInit(&pic)) {
    return 0;
  }
  pic.width = w;
  pic.height = h;
  int ok = WebPPictureImportRGBA(&pic, rgba, 4 * w);
  free(rgba);
  return ok;
}

// encode makes a file of the picture, and returns where it is and how long, or 0.
uint32_t *encode(int quality, int method) {
  static uint32_t file[2];
  WebPConfig config;
  if (!WebPConfigPreset(&config, WEBP_PRESET_DEFAULT, (float)quality)) {
    return 0;
  }
  config.method = method;
  WebPMemoryWriterInit(&out);
  pic.writer = WebPMemoryWrite;
  pic.custom_ptr = &out;
  pic.progress_hook = progress;
  if (!WebPEncode(&config, &pic)) {
    return 0;
  }
  file[0] = (uint32_t)out.mem;
  file[1] = out.size;
  return file;
}
