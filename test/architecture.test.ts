import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { packageRoot } from '../src/package-root.ts';
import {
  type Import,
  packageOf,
  readSourceFiles,
  resolveImport,
  type SourceFile,
} from './support/source-files.ts';

/** The floor: every file may stand on it. */
const floor = [
  'errors.ts',
  'disk-fault.ts',
  'log.ts',
  'clock.ts',
  // for audit records and error ids, which every layer writes about the same request
  'current-request.ts',
  'defined-only.ts',
  'package-root.ts',
  'revocable-cache.ts',
];

interface Room {
  /** Rooms whose functions it may call. */
  readonly uses: readonly string[];
  /** Rooms of which it may know the types. */
  readonly knows: readonly string[];
  /** npm packages that live here, and nowhere else. */
  readonly owns: readonly string[];
}

/**
 * Who may import whom. A change here is a change of the structure: make it on purpose, in a commit of its own, with
 * the reason. Rooms stand in the order in which they are built on each other; `protocol` is for all.
 */
const rooms: Readonly<Record<string, Room>> = {
  protocol: { uses: [], knows: [], owns: [] },
  config: { uses: [], knows: [], owns: ['yaml', 'zod'] },
  crypto: { uses: [], knows: [], owns: ['argon2', 'bcrypt'] },
  storage: { uses: [], knows: [], owns: ['mongoose', '@photostructure/sqlite'] },
  web: {
    uses: [],
    knows: ['config'],
    owns: ['@fastify/busboy', '@koa/bodyparser', '@koa/send', 'helmet', 'i18next'],
  },
  connectors: { uses: ['crypto'], knows: ['config', 'storage'], owns: ['ldapts', 'openid-client'] },
  audit: { uses: ['crypto'], knows: ['storage'], owns: [] },
  // claims, pauses and limits of a queue in the store: once for logout tokens and for mails
  outbox: { uses: [], knows: ['storage'], owns: [] },
  mail: { uses: ['crypto', 'web', 'outbox'], knows: ['config', 'storage'], owns: ['nodemailer'] },
  accounts: {
    uses: ['crypto', 'audit'],
    knows: ['config', 'storage', 'connectors', 'mail'],
    owns: ['bowser', 'hibp', 'otpauth', 'sharp', '@simplewebauthn/server'],
  },
  // the refusals of the protocol have the headers and ids of all others (web/problem.ts)
  oidc: {
    uses: ['crypto', 'accounts', 'web'],
    knows: ['config', 'storage', 'connectors'],
    owns: ['oidc-provider'],
  },
  login: {
    uses: ['accounts', 'web', 'oidc'],
    knows: ['config', 'connectors', 'audit', 'mail'],
    owns: ['qrcode'],
  },
  'self-service': {
    uses: ['accounts', 'web', 'oidc'],
    knows: ['config', 'storage', 'audit', 'connectors'],
    owns: [],
  },
  // a caller is an account that a source may have proven: their types only
  gateway: {
    uses: ['accounts', 'web', 'oidc', 'crypto'],
    knows: ['config', 'connectors', 'storage'],
    owns: [],
  },
  logout: { uses: ['oidc', 'outbox'], knows: ['accounts', 'storage'], owns: [] },
  tenants: {
    uses: ['config', 'crypto', 'storage', 'web', 'connectors', 'audit', 'accounts', 'oidc', 'gateway'],
    knows: ['mail'],
    owns: ['chokidar'],
  },
  admin: {
    uses: ['crypto', 'audit', 'accounts', 'web', 'oidc', 'tenants'],
    knows: ['config', 'storage'],
    owns: [],
  },
  server: {
    uses: [
      'accounts',
      'admin',
      'audit',
      'config',
      'crypto',
      'storage',
      'web',
      'connectors',
      'login',
      'self-service',
      'gateway',
      'logout',
      'mail',
      'tenants',
    ],
    knows: [],
    owns: ['koa', '@koa/router', 'prom-client'],
  },
  process: { uses: ['server'], knows: [], owns: [] },
  cli: {
    uses: [
      'mail',
      'config',
      'crypto',
      'storage',
      'connectors',
      'audit',
      'accounts',
      'oidc',
      'tenants',
      'server',
      'process',
    ],
    knows: [],
    owns: ['commander', '@clack/prompts', 'picocolors'],
  },
};

/** Packages outside of rooms, and those with more owners than one: the reason stands beside each. */
const otherOwners: Readonly<Record<string, readonly string[]>> = {
  pino: ['log.ts'],
  // keys are made in crypto; a signature is verified by the code that had it made, also of a checkpoint, of an upstream by its connector,
  // and of a trusted API gateway by the gateway, as another credential
  jose: ['audit', 'crypto', 'oidc', 'connectors', 'gateway'],
  // a pattern is refused when the file is read, and run where people are mapped
  re2js: ['config', 'connectors'],
  // a form is read by a schema, as a file is, and so is what the API is sent
  zod: ['web', 'login', 'self-service', 'admin'],
  // each API describes its own operations by what web/api has for all
  'zod-openapi': ['web', 'self-service', 'admin'],
  // caches are bounded
  'lru-cache': ['revocable-cache.ts', 'accounts', 'gateway', 'connectors', 'tenants'],
  // pages and mails
  eta: ['web', 'mail'],
  // calls of other servers: sources of people, services
  undici: ['connectors', 'gateway'],
};

/** Types of these are free. */
const freeTypes: ReadonlySet<string> = new Set(['koa', 'zod', 'jose']);

/** bin/drawbridge.js begins at the first, scripts/generate.mjs at the others. */
const entrances = ['src/cli.ts', 'src/config/json-schemas.ts', 'src/config/server/settings-markdown.ts'];

/** With the reason, each. */
const importsExpressions: ReadonlyMap<string, string> = new Map([
  ['src/storage/sqlite/driver.ts', 'node:sqlite is not in the types of the oldest Node that is supported'],
]);

/**
 * Words that were metaphors here. A fault report has the term of the field, and a reader searches for that; to each
 * word, what to write instead.
 */
const metaphors: Readonly<Record<string, string>> = {
  'doors?': 'endpoint, page or API',
  'houses?': 'Drawbridge, the server or the installation',
  'lanes?': 'path, queue or connection',
  patience: 'timeout or time limit',
  planted: 'set by an attacker',
  'salvag\\w*': 'the part that can be used',
  '(?:un)?told': 'sent, shown, reported or distinguished',
  'vouch\\w*': 'prove, assert or trust',
};

/** Files where such a word is the term of the field, with the reason. */
const termsOfTheField: ReadonlyMap<string, string> = new Map([
  ['src/crypto/foreign-hashes/argon2-hash.ts: lanes', 'RFC 9106 section 3.2 has lanes'],
  ['test/unit/foreign-hashes.test.ts: lanes', 'the same'],
]);

const root = packageRoot();
const files = readSourceFiles(root, 'src');
const benchFiles = readSourceFiles(root, 'bench');
const testFiles = readSourceFiles(root, 'test');
const byPath = new Map([...files, ...benchFiles].map((file) => [file.path, file]));
const packages = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly dependencies: Readonly<Record<string, string>>;
};

/** A room, or `floor`. */
const placeOf = (path: string): string | undefined => {
  const [, first = '', ...rest] = path.split('/');
  if (rest.length > 0) return rooms[first] === undefined ? undefined : first;
  if (floor.includes(first)) return 'floor';
  return first === 'cli.ts' ? 'cli' : undefined;
};

const mayImport = (from: string, to: string, isTypeOnly: boolean): boolean => {
  if (from === to || to === 'floor' || (to === 'protocol' && from !== 'floor')) return true;
  const room = rooms[from];
  return room?.uses.includes(to) === true || (isTypeOnly && room?.knows.includes(to) === true);
};

const ownersOf = (name: string): readonly string[] => [
  ...Object.entries(rooms).flatMap(([room, { owns }]) => (owns.includes(name) ? [room] : [])),
  ...(otherOwners[name] ?? []),
];

const addressOf = ({ path }: SourceFile): string | undefined => {
  const place = placeOf(path);
  return place === 'floor' ? path.slice('src/'.length) : place;
};

const eachImport = (report: (file: SourceFile, found: Import) => string | undefined): readonly string[] =>
  files.flatMap((file) =>
    file.imports.flatMap((found) => {
      const problem = report(file, found);
      return problem === undefined ? [] : [`${file.path}: ${problem}`];
    }),
  );

const linesMatching = (pattern: RegExp): readonly string[] =>
  files.flatMap(({ path, code }) => (code.match(pattern) ?? []).map((line) => `${path}: ${line.trim()}`));

const importedFiles = (file: SourceFile): readonly string[] =>
  file.imports.flatMap((found) => resolveImport(file, found) ?? []);

/** Pages of this repository, by their path from the root and below `docs/`. */
const pages: ReadonlySet<string> = new Set(
  (readdirSync(root, { recursive: true, withFileTypes: false }) as string[]) // typed as Buffer or string
    .filter((path) => path.endsWith('.md') && !/^(?:node_modules|dist|\.)/.test(path))
    .flatMap((path) => [path, path.replace(/^docs\//, '')]),
);

/** A page that is not here, or a number that only a list elsewhere explains. */
const citesNowhere = (text: string): readonly string[] => [
  ...(text.match(/[\w/-]+\.md\b/g) ?? []).filter((page) => !pages.has(page)),
  ...(text.match(/\b[VF]-\d+\b|\brequirement [A-Z]\d+/g) ?? []),
];

/** The words of a text and of its identifiers: `isToldOnce` has three. */
const wordsOf = (text: string): ReadonlySet<string> =>
  new Set((text.match(/[A-Z]?[a-z]+|[A-Z]+(?![a-z])/g) ?? []).map((word) => word.toLowerCase()));

/** The files by which one imports itself, or undefined. */
const findCycle = (next: (path: string) => readonly string[]): readonly string[] | undefined => {
  const done = new Set<string>();
  const walk = (path: string, trail: readonly string[]): readonly string[] | undefined => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    if (done.has(path)) return undefined;
    for (const target of next(path)) {
      const cycle = walk(target, [...trail, path]);
      if (cycle !== undefined) return cycle;
    }
    done.add(path);
    return undefined;
  };
  for (const { path } of files) {
    const cycle = walk(path, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
};

describe('the rooms', () => {
  it('has a place for every file', () => {
    expect(files.filter(({ path }) => placeOf(path) === undefined).map(({ path }) => path)).toEqual([]);
  });

  it('lets rooms import only what the table allows', () => {
    const forbidden = eachImport((file, found) => {
      const target = resolveImport(file, found);
      if (target === undefined) return undefined;
      const [from, to] = [placeOf(file.path), placeOf(target)];
      if (from === undefined || to === undefined) return `imports ${target}, which has no place`;
      return mayImport(from, to, found.isTypeOnly) ? undefined : `must not import ${target}`;
    });
    expect(forbidden).toEqual([]);
  });

  it('imports only downwards', () => {
    const order = Object.keys(rooms);
    const upwards = Object.entries(rooms).flatMap(([room, { uses, knows }]) =>
      [...uses, ...knows]
        .filter((other) => order.indexOf(other) >= order.indexOf(room))
        .map((other) => `${room} imports ${other}`),
    );
    expect(upwards).toEqual([]);
  });

  it('has in its table only rooms and imports that are there', () => {
    const exist = new Set(files.map(({ path }) => placeOf(path)));
    const imported = new Set(
      files.flatMap((file) =>
        importedFiles(file).map((target) => `${placeOf(file.path)} imports ${placeOf(target)}`),
      ),
    );
    const absent = Object.entries(rooms).flatMap(([room, { uses, knows }]) => [
      ...(exist.has(room) ? [] : [room]),
      ...[...uses, ...knows].map((other) => `${room} imports ${other}`).filter((line) => !imported.has(line)),
    ]);
    expect(absent).toEqual([]);
  });

  it('has in its table only packages that are installed and imported by their owners', () => {
    const imported = new Set(
      files.flatMap((file) => file.imports.map((found) => `${addressOf(file)} ${packageOf(found)}`)),
    );
    const owned = [
      ...Object.entries(rooms).flatMap(([room, { owns }]) => owns.map((name) => [room, name] as const)),
      ...Object.entries(otherOwners).flatMap(([name, owners]) =>
        owners.map((owner) => [owner, name] as const),
      ),
    ];
    const strays = owned.filter(
      ([owner, name]) => packages.dependencies[name] === undefined || !imported.has(`${owner} ${name}`),
    );
    expect(strays).toEqual([]);
  });

  it('depends on no package that nothing imports', () => {
    const imported = new Set(files.flatMap((file) => file.imports.map((found) => packageOf(found))));
    const unused = Object.keys(packages.dependencies).filter((name) => !imported.has(name));
    expect(unused).toEqual([]);
  });

  it('gives each package one owner', () => {
    const strays = eachImport((file, found) => {
      const name = packageOf(found);
      if (name === undefined || (found.isTypeOnly && freeTypes.has(name))) return undefined;
      const owners = ownersOf(name);
      if (owners.length === 0) return `imports ${name}, which has no owner`;
      return owners.includes(addressOf(file) ?? '')
        ? undefined
        : `imports ${name}, which belongs to ${owners}`;
    });
    expect(strays).toEqual([]);
  });

  it('has no cycles, types included', () => {
    expect(findCycle((path) => importedFiles(byPath.get(path) as SourceFile))).toBeUndefined();
  });

  it('reaches every file from where Node begins', () => {
    const reached = new Set<string>();
    const visit = (path: string): void => {
      const file = byPath.get(path);
      if (file === undefined || reached.has(path)) return;
      reached.add(path);
      for (const found of file.imports) visit(resolveImport(file, found) ?? '');
    };
    for (const path of [...entrances, ...benchFiles.map((file) => file.path)]) visit(path);
    expect(files.filter(({ path }) => !reached.has(path)).map(({ path }) => path)).toEqual([]);
  });
});

describe('the files', () => {
  it('import files with .ts, and files that are there', () => {
    const wrong = eachImport((file, found) => {
      const target = resolveImport(file, found);
      if (target === undefined) return undefined;
      if (!target.endsWith('.ts')) return `${found.specifier} lacks .ts`;
      return byPath.has(target) ? undefined : `${target} is not there`;
    });
    expect(wrong).toEqual([]);
  });

  it('use of oidc-provider only what it offers', () => {
    expect(
      eachImport((_file, { specifier }) => (specifier.startsWith('oidc-provider/') ? specifier : undefined)),
    ).toEqual([]);
  });

  it('import nothing that is computed at run time', () => {
    const computed = files.filter(
      ({ path, code }) => /\bimport\(\s*(?!['"\s])/.test(code) && !importsExpressions.has(path),
    );
    expect(computed.map(({ path }) => path)).toEqual([]);
  });

  it('end sign-ins where the second factor is asked for', () => {
    const callers = (pattern: RegExp, allowed: RegExp) =>
      files.filter(({ path, code }) => pattern.test(code) && !allowed.test(path)).map(({ path }) => path);
    expect(callers(/\.finishLogin\(/, /^src\/login\/factors\//)).toEqual([]);
    expect(callers(/\baccounts\.signIn\(/, /^src\/login\//)).toEqual([]);
  });

  it('cite only what a reader can find', () => {
    const lost = [...files, ...testFiles].flatMap(({ path, comments }) =>
      citesNowhere(comments).map((citation) => `${path}: ${citation}`),
    );
    expect(lost).toEqual([]);
  });

  it('say no metaphors', () => {
    const patterns = Object.entries(metaphors).map(([word, term]) => ({
      pattern: new RegExp(`^(?:${word})$`),
      term,
    }));
    const found = [...files, ...benchFiles, ...testFiles]
      .filter(({ path }) => path !== 'test/architecture.test.ts') // it has the list
      .flatMap(({ path, code, comments }) =>
        [...wordsOf(`${path}\n${code}\n${comments}`)].flatMap((word) => {
          const { term } = patterns.find(({ pattern }) => pattern.test(word)) ?? {};
          return term === undefined ? [] : [{ place: `${path}: ${word}`, term }];
        }),
      );
    const strays = found.filter(({ place }) => !termsOfTheField.has(place));
    expect(strays.map(({ place, term }) => `${place}; write ${term}`)).toEqual([]);
    const places = found.map(({ place }) => place);
    expect([...termsOfTheField.keys()].filter((place) => !places.includes(place))).toEqual([]);
  });

  it('have named exports and no barrels', () => {
    expect(linesMatching(/^export default.*|^export \*.*/gm)).toEqual([]);
  });

  it('keep no state of their own', () => {
    const empty = String.raw`new (?:Weak)?(?:Map|Set)(?:<.*>)?\(\)|\[\]|\{\}`;
    expect(
      linesMatching(
        new RegExp(
          String.raw`^(?:export )?(?:let|var) .*|^(?:export )?const \w+(?:: [^=]*)? = (?:${empty});`,
          'gm',
        ),
      ),
    ).toEqual([]);
  });

  it('draw randomness from node:crypto alone', () => {
    expect(linesMatching(/.*Math\.random.*/g)).toEqual([]);
  });

  it('have at most 300 lines', () => {
    expect(files.filter(({ lines }) => lines > 300).map(({ path, lines }) => `${path}: ${lines}`)).toEqual(
      [],
    );
  });

  it('have names in kebab-case', () => {
    expect(
      files
        .filter(({ path }) => !/^src(?:\/[a-z][a-z0-9]*(?:-[a-z0-9]+)*)+\.ts$/.test(path))
        .map(({ path }) => path),
    ).toEqual([]);
  });
});
