// What most of the time of encoding goes to, as one unit: the kernels are called
// by name, and inlined, instead of through pointers.
#include "src/dsp/cost_sse2.c"
#include "src/dsp/enc_sse2.c"
#include "src/dsp/enc_sse41.c"

#define VP8EncPredChroma8 IntraChromaPreds_SSE2
#define VP8EncPredLuma16 Intra16Preds_SSE2
#define VP8EncPredLuma4 Intra4Preds_SSE2
#define VP8EncQuantize2Blocks Quantize2Blocks_SSE41
#define VP8EncQuantizeBlock QuantizeBlock_SSE41
#define VP8EncQuantizeBlockWHT QuantizeBlockWHT_SSE41
#define VP8FTransform FTransform_SSE2
#define VP8FTransform2 FTransform2_SSE2
#define VP8FTransformWHT FTransformWHT_SSE2
#define VP8GetResidualCost GetResidualCost_SSE2
#define VP8ITransform ITransform_SSE2
#define VP8SSE16x16 SSE16x16_SSE2
#define VP8SSE16x8 SSE16x8_SSE2
#define VP8SSE4x4 SSE4x4_SSE2
#define VP8SetResidualCoeffs SetResidualCoeffs_SSE2
#define VP8TDisto16x16 Disto16x16_SSE41
#define VP8TDisto4x4 Disto4x4_SSE41

#include "src/enc/cost_enc.c"
#include "src/enc/quant_enc.c"
