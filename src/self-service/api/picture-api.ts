import { z } from 'zod';
import { longestPictureFile, pictureTypes } from '../../accounts/picture-file.ts';
import { AppError } from '../../errors.ts';
import { OperationRefusal } from '../../web/api/described-operation.ts';
import { defineOperation } from './operation.ts';

const elsewhere = 'The picture is not changed here, but where the profile is kept';

export const replaceOwnPicture = defineOperation({
  id: 'replaceOwnPicture',
  method: 'PUT',
  path: '/picture',
  summary: 'Upload a picture',
  description: 'It is cut to a square, made small and written anew as JPEG, without metadata.',
  file: { types: pictureTypes, longest: longestPictureFile },
  refusals: {
    400: '`picture_unreadable`: the file is damaged, of another kind, or has too many pixels.',
    404: elsewhere,
  },
  answer: {
    description: 'The address of the picture, which is also the claim `picture`.',
    schema: z.object({ picture: z.string() }),
  },
  handle: async ({ tenant, person, file }) => {
    const outcome = await tenant.pictures.replace(person.account, file, person.by);
    if (outcome.ok) return { picture: outcome.url };
    if (outcome.reason === 'elsewhere') throw new AppError('not_found', elsewhere);
    const description =
      'The file is no JPEG, PNG, WebP or GIF that can be read, or has more than 25 million pixels';
    throw new OperationRefusal(400, { code: 'picture_unreadable', description });
  },
});

export const removeOwnPicture = defineOperation({
  id: 'removeOwnPicture',
  method: 'DELETE',
  path: '/picture',
  summary: 'Remove the picture',
  refusals: { 404: 'There is none that was uploaded.' },
  answer: { description: 'It is no longer served.' },
  handle: async ({ tenant, person }) => {
    if (!(await tenant.pictures.remove(person.account, person.by)))
      throw new AppError('not_found', 'There is no picture that was uploaded');
    return undefined;
  },
});
