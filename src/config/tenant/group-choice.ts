import { z } from 'zod';
import { plainText } from '../parsing/field-types.ts';

/** Which groups of a person are in a token. A person may be in so many that the token does not fit where it is sent. */
export type GroupChoice = 'none' | readonly string[];

/** @param where for the description */
export const groupChoice = (where: string) =>
  z
    .union([z.enum(['all', 'none']), z.array(plainText(200)).min(1).max(100)], {
      error: 'is not right; write all, none, or a list of names such as [staff, "orders-*"]',
    })
    .default('all')
    .meta({
      description: `${where} all; none; or names, in which * stands for any characters. For users in many groups, whose tokens are too long for cookies, headers and addresses.`,
    });
