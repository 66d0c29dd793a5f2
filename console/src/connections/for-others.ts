/** What other rooms take of this one. */
export { deleteJson, patchJson, type Said } from "./acts";
export { ConnectionCard } from "./card";
export { Consequences, type Told } from "./consequences";
export { Decide } from "./decide";
export { keyFrom } from "./draft";
export { healthOf } from "./health";
export { inserted } from "./method/said";
export { JsonInput } from "./method/setting-input";
export { typeName, typeOf } from "./method/types";
export { MethodForm } from "./method-form";
export { More } from "./more";
export { PickConnection } from "./pick-connection";
export { connectionQuery, useReadAgain } from "./query";
export { texts } from "./search";
