// A picture that a person has sent is decoded and written anew: what is served is our own JPEG, without metadata and
// without anything that was hidden in the file.
import { createFairQueue } from '../crypto/fair-queue.ts';

/** Bytes of the file as it is sent. */
export const longestPictureFile = 4_000_000;
/** Width and height of what is kept. */
const edge = 256;
/** Of a picture as it is sent: a small file can hold a very large one. */
const mostPixels = 25_000_000;
const secondsPerPicture = 5;

/** The kinds that are read, and their decoders. All others of the library are switched off, among them SVG. */
export const pictureTypes = ['image/jpeg', 'image/png', 'image/webp', 'image/gif'] as const;
const decoders = ['Jpeg', 'Png', 'Webp', 'Nsgif'].map((kind) => `VipsForeignLoad${kind}Buffer`);

/** Undefined when the file is no picture of these kinds, is damaged, or too large. */
export type RewritePicture = (tenant: string, file: Buffer) => Promise<Buffer | undefined>;

/**
 * One picture at a time: each takes up to a hundred megabytes while it is read.
 * @param load the library, which takes memory and time: most processes never see a picture
 * @throws AppError `unavailable`; what `load` throws
 */
export const createPictureRewriter = (load = loadPictureLibrary): RewritePicture => {
  const queue = createFairQueue({ concurrency: 1, queueLimit: 20 });
  let loading: ReturnType<typeof loadPictureLibrary> | undefined;
  const open = async () => {
    loading ??= load();
    try {
      return await loading;
    } catch (error) {
      // such as too few open files: the next picture may be luckier
      loading = undefined;
      throw error;
    }
  };
  return (tenant, file) =>
    queue.run(tenant, async () => {
      const sharp = await open();
      try {
        return await sharp(file, { limitInputPixels: mostPixels, failOn: 'error' })
          .rotate()
          .resize(edge, edge, { fit: 'cover' })
          .flatten({ background: '#ffffff' })
          .jpeg({ quality: 85 })
          .timeout({ seconds: secondsPerPicture })
          .toBuffer();
      } catch {
        // the library has one kind of error; the file is the reason, as nothing else varies
        return undefined;
      }
    });
};

export const loadPictureLibrary = async (): Promise<typeof import('sharp').default> => {
  const { default: sharp } = await import('sharp');
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({ operation: decoders });
  sharp.cache(false);
  sharp.concurrency(1);
  return sharp;
};
