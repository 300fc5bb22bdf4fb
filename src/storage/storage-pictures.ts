// The part of the storage port for pictures of people.
export interface PictureRecord {
  /** The account; it has one picture at most. */
  readonly sub: string;
  /** Random, new for each picture: part of its address. */
  readonly id: string;
  /** The file, base64; at most `longestPicture` characters. */
  readonly data: string;
}

export const longestPicture = 131_072;

export interface PictureRecords {
  find(sub: string): Promise<PictureRecord | undefined>;
  /** In place of the one that the account has. @throws Error when it is too long: the caller has made it small */
  put(picture: PictureRecord): Promise<void>;
  /** False when there is none. */
  remove(sub: string): Promise<boolean>;
}

export const refuseLongPicture = ({ data }: PictureRecord): void => {
  if (data.length > longestPicture) throw new Error('a picture is too long for the store');
};
