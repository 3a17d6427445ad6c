/** The story of one record, over HTTP: what is said of what was read, written, excluded, refused and edited. */
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { type WhyFlags, why } from '../src/commands/why.ts';
import { openReadOnly } from '../src/state/database.ts';
import { at, keyOf, openShop } from './reconcile-harness.ts';

type Shop = Awaited<ReturnType<typeof openShop>>;

const documentSchema = z.object({
  status: z.string(),
  rule: z.string().nullish(),
  records: z
    .array(
      z.looseObject({
        id: z.string(),
        partition: z.string().nullable(),
        page: z.number().nullable(),
        readAt: z.string().nullable(),
      }),
    )
    .optional(),
  objects: z
    .array(
      z.object({
        object: z.string(),
        key: z.string(),
        properties: z.array(
          z.object({
            name: z.string(),
            value: z.string().optional(),
            from: z.array(z.looseObject({ path: z.string() })),
          }),
        ),
        hubspotNow: z.looseObject({ kind: z.string() }).nullable(),
      }),
    )
    .optional(),
  journal: z
    .array(
      z
        .object({
          kind: z.string(),
          batch: z.number().nullable(),
          trace: z.string().nullable(),
          answer: z.string().nullable(),
        })
        .loose(),
    )
    .optional(),
  matches: z.array(z.object({ reference: z.string() }).loose()).optional(),
});

async function text(shop: Shop, reference: string, flags: WhyFlags = {}): Promise<{ exit: number; text: string }> {
  let told = '';
  const exit = await why(reference, flags, shop.invocation({ write: (part) => (told += part) }));
  return { exit, text: told };
}

async function ask(shop: Shop, reference: string, flags: WhyFlags = {}) {
  const told = await text(shop, reference, { ...flags, json: true });
  return { exit: told.exit, ...documentSchema.parse(JSON.parse(told.text)) };
}

describe('why, of a product', () => {
  test('tells the reading, the fields behind each property, the batch, the trace id and the answer', async () => {
    const shop = await openShop();
    const product = at(shop.living('products'), 0);
    const mark = shop.hubspot.log.length;
    const story = await ask(shop, `erp:product/${keyOf(product)}`);
    expect(story.exit).toBe(0);
    expect(story.records).toMatchObject([{ id: keyOf(product), partition: 'all', page: 1 }]);
    expect(Date.parse(story.records?.[0]?.readAt ?? '')).toBeGreaterThan(Date.now() - 60_000);
    const [object] = story.objects ?? [];
    const from = new Map(object?.properties.map((property) => [property.name, property.from.map(({ path }) => path)]));
    expect(from.get('price')).toEqual(['unitPrice']);
    expect(from.get('erp_is_stocked')).toEqual(['stocked']);
    expect(from.get('erp_status')).toEqual(['statusCode']);
    expect(object?.properties.find(({ name }) => name === 'price')?.value).toBe(product.properties.price);
    expect(story.journal).toMatchObject([{ kind: 'created', batch: 1, answer: expect.stringMatching(/^20\d/) }]);
    expect(story.journal?.[0]?.trace).toMatch(/^[\w-]{8,}$/);
    expect(object?.hubspotNow).toMatchObject({ kind: 'same' });
    expect(shop.hubspot.log.slice(mark)).toHaveLength(1);
  });

  test('tells what people changed in HubSpot since, and asks nothing when it is told not to', async () => {
    const shop = await openShop();
    const product = at(shop.living('products'), 1);
    await shop.edit('products', product.id, { price: '1.11' });
    const story = await ask(shop, `hubspot:product/${product.id}`);
    expect(story.objects?.[0]?.hubspotNow).toMatchObject({
      kind: 'differs',
      properties: [{ name: 'price', found: '1.11' }],
    });
    const mark = shop.hubspot.log.length;
    expect((await ask(shop, keyOf(product), { offline: true })).objects?.[0]?.hubspotNow).toBeNull();
    expect(shop.hubspot.log.slice(mark)).toHaveLength(0);
  });

  test('fits 80 columns, and without values shows none', async () => {
    const shop = await openShop();
    const product = at(shop.living('products'), 2);
    const whole = await text(shop, keyOf(product));
    expect(whole.text).toContain(product.properties.hs_sku ?? '?');
    expect(whole.text.split('\n').filter((line) => line.length > 80)).toEqual([]);
    expect(whole.text.split('\n').length).toBeLessThan(50);
    const bare = await text(shop, keyOf(product), { raw: false });
    const json = await text(shop, keyOf(product), { raw: false, json: true });
    for (const value of [product.properties.hs_sku, product.properties.name]) {
      expect(bare.text + json.text).not.toContain(value);
    }
  });

  test('of which nothing is known, and of a reference that is none, ends with 2 and the next step', async () => {
    const shop = await openShop();
    await expect(ask(shop, 'erp:product/nothing')).rejects.toMatchObject({ exit: 2 });
    await expect(ask(shop, 'erp:invoice/1')).rejects.toMatchObject({
      exit: 2,
      hint: expect.stringContaining('erp:quote'),
    });
    await expect(ask(shop, 'erp:product/')).rejects.toMatchObject({ exit: 2 });
  });

  test('is told when HubSpot does not answer, and the exit code says so', async () => {
    const shop = await openShop();
    const product = at(shop.living('products'), 0);
    shop.env.HUBSPOT_TOKEN = 'pat-na1-wrong';
    const story = await ask(shop, keyOf(product));
    expect(story).toMatchObject({ exit: 5, status: 'ok' });
  });
});

describe('why, of a customer', () => {
  test('is found by the e-mail of its contact and by an id, and tells the rule of an excluded one without values', async () => {
    const shop = await openShop({ items: 1, accounts: 60, pipe: 'customers' });
    const contact = shop.living('contacts').find((one) => one.properties.email);
    const byEmail = await ask(shop, (contact?.properties.email ?? '').toUpperCase());
    expect(byEmail.objects?.map(({ key }) => key)).toContain(contact?.properties.erp_contact_id);
    const made = byEmail.objects?.find(({ key }) => key === contact?.properties.erp_contact_id);
    expect(made?.properties.find(({ name }) => name === 'email')?.from).toMatchObject([
      { path: expect.stringMatching(/^people\[\d\]\.mail$/) },
    ]);
    const db = openReadOnly(shop.folder);
    const retail = db?.prepare<[], { id: string }>("SELECT id FROM records WHERE rule = 'retail' LIMIT 1").get()?.id;
    db?.close();
    expect(retail).toBeTruthy();
    expect(await ask(shop, `erp:customer/${retail}`)).toMatchObject({ exit: 0, rule: 'retail', objects: [] });
  });
});
