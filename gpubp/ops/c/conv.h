/* Convolution of images of which each lies dense: a block of pixels of the result after the other, as a product whose
   left matrix is never written, but read where its patches lie in a copy of the image with the padding around it. */
typedef struct {
    int64_t images, height, width, channels; /* of the input, all groups together */
    int64_t rows, columns, filters;          /* of the output */
    int64_t kh, kw, groups, copies;          /* of the weights: groups of filters, copies for as many runs of images */
    int64_t down, across, far, wide, top, left;
    int64_t some; /* rows of a block */
} conv_sizes;

/* The padded image that `count` rows of the output see: its size. */
INLINE int64_t conv_width(const conv_sizes *s) { return (s->columns - 1) * s->across + (s->kw - 1) * s->wide + 1; }
INLINE int64_t conv_height(const conv_sizes *s, int64_t count) {
    return (count - 1) * s->down + (s->kh - 1) * s->far + 1;
}
/* Where the patch of each pixel of a block begins in it, and behind that where each place of a patch lies. */
INLINE void conv_places(const conv_sizes *s, int64_t *pixels, int64_t *places) {
    const int64_t part = s->channels / s->groups, width = conv_width(s);
    for (int64_t r = 0; r < s->some; r++)
        for (int64_t c = 0; c < s->columns; c++) *pixels++ = (r * s->down * width + c * s->across) * part;
    for (int64_t a = 0; a < s->kh; a++)
        for (int64_t b = 0; b < s->kw; b++)
            for (int64_t k = 0; k < part; k++) *places++ = (a * s->far * width + b * s->wide) * part + k;
}

/* conv_padded: the image for the rows of the output from `first` on, the channels of group k.
   conv, conv_input: the images from `begin` to `end`; conv_weight: the places of a patch.
   conv, conv_weight: `room` has room for the places of a block's pixels and of a patch, `padded` for such an image.
   conv_input: `patches` has room for the patches of a block. */
#define CONV(T, type)                                                                                                  \
    INLINE void conv_padded_##T(const conv_sizes *s, const type *image, int64_t k, int64_t first, int64_t count,       \
                                type *padded) {                                                                        \
        const int64_t part = s->channels / s->groups, width = conv_width(s), height = conv_height(s, count);           \
        const int64_t end = width - s->left < s->width ? width - s->left : s->width;                                   \
        for (int64_t i = 0; i < height; i++) {                                                                         \
            const int64_t r = first * s->down - s->top + i;                                                            \
            type *line = padded + i * width * part;                                                                    \
            if (r < 0 || r >= s->height || end <= 0) {                                                                 \
                memset(line, 0, width * part * sizeof(type));                                                          \
                continue;                                                                                              \
            }                                                                                                          \
            memset(line, 0, s->left * part * sizeof(type));                                                            \
            const type *from = image + r * s->width * s->channels + k * part;                                          \
            if (part == s->channels) memcpy(line + s->left * part, from, end * part * sizeof(type));                   \
            else                                                                                                       \
                for (int64_t c = 0; c < end; c++)                                                                      \
                    memcpy(line + (s->left + c) * part, from + c * s->channels, part * sizeof(type));                  \
            memset(line + (s->left + end) * part, 0, (width - s->left - end) * part * sizeof(type));                   \
        }                                                                                                              \
    }                                                                                                                  \
    APART void conv_##T(const conv_sizes *s, int64_t begin, int64_t end, const type *x, const type *w, type *out,      \
                        void *room, type *padded) {                                                                    \
        const int64_t part = s->channels / s->groups, own = s->filters / s->groups, size = s->kh * s->kw * part;       \
        int64_t *table = room, *places = table + s->some * s->columns;                                                 \
        conv_places(s, table, places);                                                                                 \
        for (int64_t i = begin; i < end; i++)                                                                          \
            for (int64_t r = 0; r < s->rows; r += s->some)                                                             \
                for (int64_t k = 0; k < s->groups; k++) {                                                              \
                    const int64_t count = s->rows - r < s->some ? s->rows - r : s->some;                               \
                    const type *weights = w + i / (s->images / s->copies) * size * s->filters + k * own;               \
                    conv_padded_##T(s, x + i * s->height * s->width * s->channels, k, r, count, padded);               \
                    product_##T(count * s->columns, own, size, padded, table, places, 0, 0, weights, s->filters, 1,    \
                                   out + (i * s->rows + r) * s->columns * s->filters + k * own, s->filters, 0);        \
                }                                                                                                      \
    }                                                                                                                  \
    APART void conv_weight_##T(const conv_sizes *s, int64_t begin, int64_t end, const type *x, const type *g,          \
                               type *out, void *room, type *padded) {                                                  \
        const int64_t part = s->channels / s->groups, own = s->filters / s->groups, size = s->kh * s->kw * part;       \
        int64_t *table = room, *places = table + s->some * s->columns;                                                 \
        conv_places(s, table, places);                                                                                 \
        for (int64_t i = 0; i < s->copies; i++)                                                                        \
            memset(out + (i * size + begin) * s->filters, 0, (end - begin) * s->filters * sizeof(type));               \
        for (int64_t i = 0; i < s->images; i++)                                                                        \
            for (int64_t r = 0; r < s->rows; r += s->some)                                                             \
                for (int64_t k = 0; k < s->groups; k++) {                                                              \
                    const int64_t count = s->rows - r < s->some ? s->rows - r : s->some;                               \
                    type *to = out + (i / (s->images / s->copies) * size + begin) * s->filters + k * own;              \
                    conv_padded_##T(s, x + i * s->height * s->width * s->channels, k, r, count, padded);               \
                    product_##T(end - begin, own, count * s->columns, padded, places + begin, table, 0, 0,             \
                                   g + (i * s->rows + r) * s->columns * s->filters + k * own, s->filters, 1, to,       \
                                   s->filters, 1);                                                                     \
                }                                                                                                      \
    }                                                                                                                  \
    APART void conv_input_##T(const conv_sizes *s, int64_t begin, int64_t end, const type *g, const type *w,           \
                              type *out, type *patches) {                                                              \
        const int64_t part = s->channels / s->groups, own = s->filters / s->groups, size = s->kh * s->kw * part;       \
        const int64_t image_size = s->height * s->width * s->channels;                                                 \
        memset(out + begin * image_size, 0, (end - begin) * image_size * sizeof(type));                                \
        for (int64_t i = begin; i < end; i++)                                                                          \
            for (int64_t r = 0; r < s->rows; r += s->some)                                                             \
                for (int64_t k = 0; k < s->groups; k++) {                                                              \
                    const int64_t count = s->rows - r < s->some ? s->rows - r : s->some;                               \
                    const type *weights = w + i / (s->images / s->copies) * size * s->filters + k * own;               \
                    const type *pixels = g + (i * s->rows + r) * s->columns * s->filters + k * own;                    \
                    product_##T(count * s->columns, size, own, pixels, 0, 0, s->filters, 1, weights, 1, s->filters,    \
                                patches, size, 0);                                                                     \
                    type *image = out + i * s->height * s->width * s->channels + k * part;                             \
                    for (int64_t a = 0; a < s->kh; a++)                                                                \
                        for (int64_t b = 0; b < s->kw; b++)                                                            \
                            for (int64_t y = 0; y < count; y++) {                                                      \
                                const int64_t row = (r + y) * s->down + a * s->far - s->top;                           \
                                if (row < 0 || row >= s->height) continue;                                             \
                                for (int64_t c = 0; c < s->columns; c++) {                                             \
                                    const int64_t column = c * s->across + b * s->wide - s->left;                      \
                                    if (column < 0 || column >= s->width) continue;                                    \
                                    type *to = image + (row * s->width + column) * s->channels;                        \
                                    const type *from = patches + (y * s->columns + c) * size + (a * s->kw + b) * part; \
                                    EACH                                                                               \
                                    for (int64_t j = 0; j < part; j++) to[j] += from[j];                               \
                                }                                                                                      \
                            }                                                                                          \
                }                                                                                                      \
    }
CONV(f32, float)
CONV(f64, double)
