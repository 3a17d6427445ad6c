/** The schema of profiles in a form that editors read, made from the one that checks them. */
import { z } from 'zod';
import { Profile } from './profile-schema.ts';

/** Shorthands (`name: title`) are transforms to zod and would be anything at all: they are written as text or the long form. */
export function profileJsonSchema(): object {
  return convert(Profile);
}

const convert = (schema: z.ZodType): object =>
  z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      if (!(zodSchema instanceof z.ZodPipe) || !(zodSchema.in instanceof z.ZodTransform)) return;
      if (!(zodSchema.out instanceof z.ZodType)) return;
      const { $schema: _version, ...long } = Object.assign({ $schema: '' }, convert(zodSchema.out));
      Object.assign(jsonSchema, { anyOf: [{ type: 'string' }, long] });
    },
  });
