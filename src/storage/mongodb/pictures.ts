import { type PictureRecord, type PictureRecords, refuseLongPicture } from '../storage-pictures.ts';
import type { PictureDocument } from './documents.ts';
import { call, reading, retryUpsert, writing } from './limits.ts';
import type { Collections } from './models.ts';

export const toPictureDocument = (tenant: string, picture: PictureRecord): PictureDocument => ({
  ...picture,
  _id: `${tenant}|${picture.sub}`,
  tenant,
});

export const toPictureRecord = ({ _id, tenant, ...picture }: PictureDocument): PictureRecord => picture;

export const createPictures = (
  { pictures }: Pick<Collections, 'pictures'>,
  tenant: string,
): PictureRecords => {
  const one = (sub: string) => ({ _id: `${tenant}|${sub}`, tenant });
  return {
    find: (sub) =>
      call(async () => {
        const found = await pictures.findOne(one(sub), reading);
        return found === null ? undefined : toPictureRecord(found);
      }),

    put: async (picture) => {
      refuseLongPicture(picture);
      const { _id, ...document } = toPictureDocument(tenant, picture);
      await call(() =>
        retryUpsert(() => pictures.replaceOne(one(picture.sub), document, { ...writing, upsert: true })),
      );
    },

    remove: (sub) => call(async () => (await pictures.deleteOne(one(sub), writing)).deletedCount > 0),
  };
};
