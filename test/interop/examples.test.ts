// The programs in `examples/`, each at a tenant made of `examples/examples.yaml`: somebody signs in, and the app shows the
// person's name. Those that are not run here say so on their page in `docs/connect/`.
import { spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { exampleFolder, findPart, isOptional, type PartName } from '../../scripts/real-parts.mjs';
import { packageRoot } from '../../src/package-root.ts';
import { launchChromium } from '../pages/chromium.ts';
import { createBrowser, type Page } from '../support/browser.ts';
import { type Child, watchChild } from '../support/child.ts';
import { sqliteStore } from '../support/stores.ts';
import { freePort } from '../support/test-server.ts';
import { useServer } from '../support/use-server.ts';

const examples = join(packageRoot(), 'examples');
const alice = { login: 'alice', password: 'alice-opens-the-gate' };

/** The port of each app in the file, and the one that is free here. */
const ports: Record<string, number> = {};
for (const port of ['8101', '8102', '8103', '8104', '8106', '8107']) ports[port] = await freePort();
const file = readFileSync(join(examples, 'examples.yaml'), 'utf8');
const tenant = file.replaceAll(/localhost:(\d+)/g, (whole, port: string) =>
  ports[port] === undefined ? whole : `localhost:${ports[port]}`,
);

const server = await useServer({ store: sqliteStore, tenants: { examples: tenant } });
const issuer = server.issuer('examples');

const children: Child[] = [];
afterAll(() => {
  for (const { process: child } of children) child.kill('SIGKILL');
});

interface Start {
  readonly command: string;
  readonly args?: readonly string[];
  readonly port?: number | undefined;
  readonly env?: Readonly<Record<string, string>>;
}

const start = ({ command, args = [], port, env = {} }: Start): Child => {
  const more = port === undefined ? {} : { PORT: String(port) };
  const child = watchChild(
    spawn(command, [...args], { env: { ...process.env, ISSUER: issuer, ...more, ...env } }),
  );
  children.push(child);
  return child;
};

const answers = async (url: string): Promise<boolean> => {
  try {
    await fetch(url, { redirect: 'manual' });
    return true;
  } catch {
    return false;
  }
};

const untilItAnswers = async (child: Child, url: string): Promise<void> => {
  while (!(await answers(url))) {
    if (child.process.exitCode !== null) throw new Error(`the app ended: ${child.errors()}`);
    await new Promise((resolve) => setTimeout(resolve, 50)); // another program has no event for it
  }
};

/** Opens the app, signs in where it leads, and comes back. */
const visit = async (url: string): Promise<Page> => {
  const browser = createBrowser();
  const login = await browser.follow(await browser.get(url));
  return browser.follow(await browser.submit(login, alice));
};

const describeWith = (part: PartName, name: string, define: (file: string) => void): void => {
  const found = findPart(part);
  if (found !== undefined) describe(name, () => define(found));
  else if (process.env.CI !== 'true' || !isOptional(part))
    describe.skip(name, () => it(`needs ${part}`, () => {}));
};

const showsTheName = (run: () => Start & { readonly port: number }): void => {
  it('shows the name of the person who signed in', async () => {
    const how = run();
    const url = `http://localhost:${how.port}/`;
    const child = start(how);
    await untilItAnswers(child, url);
    const page = await visit(url);

    expect([page.status, new URL('/', page.url).href]).toEqual([200, url]);
    expect(page.body).toContain('Hello, Alice Archer. Your groups: staff');
    // a JVM on a busy machine needs its time to start
  }, 90_000);
};

const portOf = (port: string): number => ports[port] ?? 0;

describeWith('example-express', 'Express', (node) => {
  const folder = mkdtempSync(join(exampleFolder('express'), 'run-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  showsTheName(() => {
    for (const name of ['app.js', 'package.json'])
      copyFileSync(join(examples, 'express', name), join(folder, name));
    return { command: node, args: [join(folder, 'app.js')], port: portOf('8101') };
  });
});

describeWith('example-fastapi', 'FastAPI', (python) => {
  showsTheName(() => ({
    command: python,
    args: [join(examples, 'fastapi', 'main.py')],
    port: portOf('8102'),
    env: { PYTHONPATH: exampleFolder('fastapi'), PYTHONDONTWRITEBYTECODE: '1' },
  }));
});

describeWith('example-django', 'Django', (python) => {
  const folder = mkdtempSync(join(tmpdir(), 'drawbridge-django-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  showsTheName(() => ({
    command: 'sh',
    args: [
      '-c',
      `"$PYTHON" -m django migrate -v 0 && exec "$PYTHON" -m django runserver --noreload "localhost:$PORT"`,
    ],
    port: portOf('8104'),
    env: {
      PYTHON: python,
      PYTHONPATH: [join(examples, 'django'), exampleFolder('django')].join(delimiter),
      PYTHONDONTWRITEBYTECODE: '1',
      DJANGO_SETTINGS_MODULE: 'settings',
      DATABASE: join(folder, 'db.sqlite3'),
    },
  }));
});

describeWith('example-spring-boot', 'Spring Boot', (java) => {
  showsTheName(() => ({
    command: java,
    args: ['-XX:TieredStopAtLevel=1', '-jar', join(exampleFolder('spring-boot'), 'target', 'app.jar')],
    port: portOf('8106'),
  }));
});

describeWith('example-spa', 'A single-page app', (node) => {
  describeWith('chromium', 'in a browser', () => {
    const folder = mkdtempSync(join(exampleFolder('spa'), 'run-'));
    afterAll(() => rmSync(folder, { recursive: true }));
    it('shows the name, and signs out', async () => {
      for (const name of readdirSync(join(examples, 'spa')))
        if (name !== 'node_modules') copyFileSync(join(examples, 'spa', name), join(folder, name));
      const port = portOf('8107');
      const url = `http://localhost:${port}/`;
      await untilItAnswers(start({ command: node, args: [join(folder, 'serve.js')], port }), url);
      const chromium = await launchChromium();
      try {
        const page = await chromium.newPage();
        await page.goto(url);
        await page.fill('#login', alice.login);
        await page.fill('#password', alice.password);
        await page.click('button[type=submit]');
        await page.waitForSelector('#sign-out:not([hidden])');
        expect(await page.textContent('#greeting')).toBe('Hello, Alice Archer. Your groups: staff');
        // nothing of the sign-in stays in the address
        expect(page.url()).toBe(url);
        await page.click('#sign-out');
        await page.click('form button.button-main');
        await page.waitForSelector('#login');
      } finally {
        await chromium.close();
      }
    });
  });
});

describeWith('example-go', 'Go', (app) => {
  showsTheName(() => ({ command: app, port: portOf('8103') }));
});

describe('a native app', () => {
  it('says the name, and refreshes its token', async () => {
    const child = start({ command: process.execPath, args: [join(examples, 'native', 'app.js')] });
    await child.waitForLine((line) => line.startsWith('Open '));
    const url = child.lines.find((line) => line.startsWith('Open '))?.slice('Open '.length) ?? '';
    const browser = createBrowser();
    const login = await browser.follow(await browser.get(url));
    const consent = await browser.follow(await browser.submit(login, alice));
    const last = await browser.follow(await browser.submit(consent, { decision: 'allow' }));

    expect(last.body).toContain('You are signed in');
    expect(await child.exited).toBe(0);
    expect(child.lines.at(-1)).toMatch(
      /^Hello, Alice Archer\. The next access token is valid for \d+ seconds/,
    );
  });

  it('pins the version of openid-client that Drawbridge has', () => {
    const versionIn = (path: string): unknown =>
      (JSON.parse(readFileSync(path, 'utf8')) as { dependencies: Record<string, unknown> }).dependencies[
        'openid-client'
      ];
    const own = versionIn(join(packageRoot(), 'package.json'));
    for (const name of ['native', 'express'])
      expect(versionIn(join(examples, name, 'package.json'))).toBe(own);
  });
});

describe('a device', () => {
  it('says the name after somebody has entered its code', async () => {
    const child = start({ command: 'sh', args: [join(examples, 'device', 'device.sh')] });
    await child.waitForLine((line) => line.startsWith('Open '));
    const [, page = '', code = ''] = /^Open (\S+) and enter (\S+)$/.exec(child.lines[0] ?? '') ?? [];
    const browser = createBrowser();
    const entry = await browser.follow(await browser.get(page));
    const confirm = await browser.follow(await browser.submit(entry, { user_code: code }));
    const login = await browser.follow(await browser.submit(confirm, { confirm: 'yes' }));
    const done = await browser.follow(await browser.submit(login, alice));

    expect(done.status).toBe(200);
    expect([await child.exited, child.lines.at(-1), child.errors()]).toEqual([0, 'Hello, Alice Archer.', '']);
  });
});

describe('a service', () => {
  it('gets a token for its API', async () => {
    const child = start({ command: process.execPath, args: [join(examples, 'service', 'service.js')] });

    expect([await child.exited, child.errors()]).toEqual([0, '']);
    expect(child.lines).toEqual([
      expect.stringMatching(
        /^Token of service for https:\/\/api\.example\.com\/reports with reports:read, for \d+ seconds$/,
      ),
    ]);
  });
});

describe('each example', () => {
  const pages = readdirSync(join(packageRoot(), 'docs', 'connect')).filter((name) => name.endsWith('.md'));
  const text = (page: string): string => readFileSync(join(packageRoot(), 'docs', 'connect', page), 'utf8');

  it.each(
    readdirSync(examples, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name),
  )('%s has a page that says whether a test runs it', (name) => {
    const page = pages.map(text).find((one) => one.includes(`(../../examples/${name}`));
    expect(page).toMatch(
      /A test (?:of Drawbridge )?runs (?:it|this example)|No test runs (?:it|this example):/,
    );
  });
});
