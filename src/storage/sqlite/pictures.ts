import { type PictureRecord, type PictureRecords, refuseLongPicture } from '../storage-pictures.ts';
import type { Connection } from './connection.ts';
import type { Statements } from './statements.ts';

export const pictureSql = {
  findPicture: 'SELECT sub, id, data FROM pictures WHERE tenant = ? AND sub = ?',
  putPicture: 'INSERT OR REPLACE INTO pictures (tenant, sub, id, data) VALUES (?, ?, ?, ?)',
  removePicture: 'DELETE FROM pictures WHERE tenant = ? AND sub = ?',
} as const;

export const putPicture = (sql: Statements, tenant: string, { sub, id, data }: PictureRecord): void => {
  sql(pictureSql.putPicture).run(tenant, sub, id, data);
};

export const createPictures = (connection: Connection, tenant: string): PictureRecords => ({
  find: (sub) =>
    connection.read('picture.find', (sql) => {
      const row = sql(pictureSql.findPicture).get(tenant, sub) as PictureRecord | undefined;
      return row === undefined ? undefined : { ...row };
    }),

  put: async (picture) => {
    refuseLongPicture(picture);
    await connection.write('picture.put', (sql) => putPicture(sql, tenant, picture));
  },

  remove: (sub) =>
    connection.write(
      'picture.remove',
      (sql) => Number(sql(pictureSql.removePicture).run(tenant, sub).changes) > 0,
    ),
});
