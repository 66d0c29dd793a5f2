import { expect, test } from "vitest";
import { mediaType } from "./document";
import { firstMethod, variablesOf } from "./first";
import { freeKey } from "./free-key";
import { sentenceOf } from "./words";

test("what is sent for each first method has exactly one type", () => {
  expect(firstMethod("later", "")).toBeUndefined();
  expect(firstMethod("api_key", " X-Key ")).toEqual({
    key: { name: "API key", api_key: { in: "header", name: "X-Key", format: "{key}" } },
  });
  expect(firstMethod("bearer", "")?.token).toHaveProperty("bearer");
  expect(firstMethod("basic", "")?.login).toHaveProperty("basic");
  expect(firstMethod("none", "")?.none).toHaveProperty("none");
});

test("the variables of a base URL are found", () => {
  expect(variablesOf("https://api.example.com")).toBeUndefined();
  expect(variablesOf("https://{sub}.example.com/{version}")).toEqual({
    sub: { required: true },
    version: { required: true },
  });
});

test("a key that is taken is counted on", async () => {
  const isTaken = async () => new Set(["pets", "pets-2"]);
  expect(await freeKey("Pets", isTaken)).toBe("pets-3");
  expect(await freeKey("Cats", isTaken)).toBe("cats");
  expect(await freeKey("日本", isTaken)).toBe("api");
});

test("JSON and YAML are told apart", () => {
  expect(mediaType('\n {"openapi": "3.1.0"}')).toBe("application/json");
  expect(mediaType("openapi: 3.1.0")).toBe("application/yaml");
  expect(mediaType("# { \nopenapi: 3.1.0")).toBe("application/yaml");
});

test("an option of the command line is not spoken of here", () => {
  const told = {
    problem: "the document names no server",
    hint: "give a base URL (`--base-url`), or each connection its own",
  };
  expect(sentenceOf(told)).toBe("The document names no server: give a base URL, or each connection its own.");
});
