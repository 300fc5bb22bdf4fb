import { z } from 'zod';
import { definedOnly } from '../../defined-only.ts';
import { idSchema } from '../../web/api/api-schemas.ts';
import { OperationRefusal } from '../../web/api/described-operation.ts';
import { changeAccount, getAccount, getManageable, personSchema, toPublicPerson } from './accounts.ts';
import { sendVersion } from './conditions.ts';
import { type AdminRequest, defineAdminOperation } from './operation.ts';
import { nextOf, nextSchema, pageParameters } from './paging.ts';

const ofPerson = { path: z.object({ sub: idSchema }) } as const;

export const listPeople = defineAdminOperation({
  id: 'listPeople',
  method: 'GET',
  path: '/people',
  permission: 'people.read',
  summary: 'The people of a tenant, by sub',
  description:
    'Without system users, so that a page may have less than `limit` although there is a next one.',
  parameters: {
    query: z.object({
      ...pageParameters,
      login: z.string().min(1).max(256).optional().meta({
        description: 'Only the person with this user name, e-mail address or sub.',
      }),
    }),
  },
  answer: {
    description: 'A page of people.',
    schema: z.object({ people: z.array(personSchema), next: nextSchema }),
  },
  handle: async ({ tenant, operator, query: { after, limit, login } }) => {
    const users = tenant.usersAs(operator.actor);
    const found =
      login === undefined
        ? await users.list({ limit, ...definedOnly({ afterSub: after }) })
        : [await users.find(login)].filter((account) => account !== undefined);
    const people = found.filter(({ origin }) => origin !== 'system').map(toPublicPerson);
    return { people, ...(login === undefined ? nextOf(found, limit, ({ sub }) => sub) : {}) };
  },
});

export const showPerson = defineAdminOperation({
  id: 'showPerson',
  method: 'GET',
  path: '/people/{sub}',
  permission: 'people.read',
  summary: 'One person',
  parameters: ofPerson,
  answer: { description: 'The person; `ETag` is the version.', schema: personSchema },
  handle: async ({ path, ...request }) => {
    const account = await getAccount(request, path.sub, 'person');
    sendVersion(request.ctx, account);
    return toPublicPerson(account);
  },
});

const changedPerson = async (
  request: AdminRequest,
  sub: string,
  change: Parameters<typeof changeAccount>[2],
): Promise<z.input<typeof personSchema>> =>
  toPublicPerson(await changeAccount(request, { sub, kind: 'person' }, change));

const changeAnswer = { description: 'The person afterwards.', schema: personSchema } as const;

export const disablePerson = defineAdminOperation({
  id: 'disablePerson',
  method: 'POST',
  path: '/people/{sub}/disable',
  permission: 'people.change',
  isVersioned: true,
  summary: 'Refuse sign-ins and tokens of a person',
  description: 'All sessions and tokens end for good.',
  parameters: ofPerson,
  answer: changeAnswer,
  handle: ({ path, ...request }) =>
    changedPerson(request, path.sub, (users, { sub }, at) => users.disable(sub, at)),
});

export const enablePerson = defineAdminOperation({
  id: 'enablePerson',
  method: 'POST',
  path: '/people/{sub}/enable',
  permission: 'people.change',
  isVersioned: true,
  summary: 'Allow sign-ins of a person again',
  description: 'It lifts locks and limits too. Sessions of before do not come back.',
  parameters: ofPerson,
  answer: changeAnswer,
  handle: ({ path, ...request }) =>
    changedPerson(request, path.sub, (users, { sub }, at) => users.enable(sub, at)),
});

export const unlockPerson = defineAdminOperation({
  id: 'unlockPerson',
  method: 'POST',
  path: '/people/{sub}/unlock',
  permission: 'people.unlock',
  isVersioned: true,
  summary: 'Forget failed sign-ins of a person, and the lock of a source',
  description: 'The source may lock the account again, when it is asked next.',
  refusals: { 409: '`disabled`: somebody disabled the person, which this does not undo.' },
  parameters: ofPerson,
  answer: changeAnswer,
  handle: ({ path, ...request }) =>
    changedPerson(request, path.sub, (users, { sub, disabledAt }, at) => {
      if (disabledAt !== undefined)
        throw new OperationRefusal(409, {
          code: 'disabled',
          description: 'This person was disabled; somebody who may enable people has to do that',
        });
      return users.unlock(sub, at);
    }),
});

export const resetFactors = defineAdminOperation({
  id: 'resetFactors',
  method: 'POST',
  path: '/people/{sub}/reset-factors',
  permission: 'people.resetFactors',
  summary: 'Remove all second factors of a person',
  description:
    'All sessions and tokens end. Whoever knows the password alone can then sign in, so be sure who asks for it.',
  parameters: ofPerson,
  answer: changeAnswer,
  handle: async ({ path, ...request }) => {
    const { tenant, operator, ctx } = request;
    await tenant.factorResetAs(operator.actor).removeAll(await getManageable(request, path.sub, 'person'));
    const account = await getAccount(request, path.sub, 'person');
    sendVersion(ctx, account);
    return toPublicPerson(account);
  },
});
