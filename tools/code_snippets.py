"""Beginnings of code in seven languages, as an editor sees them left of the cursor: the project's own, for tests."""

TEMPLATES = {
    "python": [
        "def {verb}_{noun}({item}, {other}=0):\n    ",
        "class {Noun}:\n    def __init__(self, {item}):\n        self.{item} = {item}\n\n    def {verb}(self):\n        return ",
        "for {item} in range({number}):\n    if {item} % {small} == 0:\n        {noun}.append({item})\n    else:\n",
        "import json\n\nwith open(\"{noun}.json\") as file:\n    {item} = json.load(file)\nprint({item}",
        "{noun} = [{item} ** {small} for {item} in {other} if {item} > {number}]\n{other} = ",
        "try:\n    {item} = {verb}({other})\nexcept ValueError as error:\n    ",
        "async def {verb}({noun}):\n    async for {item} in {noun}:\n        yield ",
    ],
    "java": [
        "public class {Noun} {{\n    private int {item};\n\n    public int {verb}(int {other}) {{\n        return ",
        "public static void main(String[] args) {{\n    for (int i = 0; i < {number}; i++) {{\n        {noun}.add(",
        "private final Map<String, {Noun}> {noun} = new ",
        "if ({item} == null || {other}.isEmpty()) {{\n    throw new IllegalArgumentException(\"{noun} ",
        "interface {Noun} extends Comparable<{Noun}> {{\n    void {verb}(List<{Noun}> {item}",
        "@Override\npublic String toString() {{\n    return \"{Noun}(\" + {item} + \", \" + ",
        "{noun}.stream().filter({item} -> {item}.{verb}() > {number}).map(",
    ],
    "javascript": [
        "function {verb}{Noun}({item}, {other}) {{\n  return ",
        "const {noun} = {other}.map(({item}) => {item} * {number}).filter(",
        "let {item} = {number};\nwhile ({item} > 0) {{\n  {noun}.push({item});\n  {item} -= {small};\n",
        "export default class {Noun} {{\n  constructor({item}) {{\n    this.{item} = ",
        "document.querySelector('#{noun}').addEventListener('{verb}', (event) => {{\n  ",
        "const {item} = await fetch(`/api/{noun}/${{{other}}}`);\nif (!{item}.ok) ",
        "module.exports = {{ {verb}, {noun}: {number}, ",
    ],
    "typescript": [
        "interface {Noun} {{\n  {item}: number;\n  {other}?: string[];\n  {verb}(",
        "export function {verb}<T>({noun}: T[], {item}: (value: T) => boolean): T | undefined {{\n  ",
        "type {Noun}Id = string & {{ readonly brand: unique symbol }};\nconst {item}: {Noun}Id = ",
        "enum {Noun} {{\n  First = {number},\n  Second = ",
        "private readonly {noun} = new Map<string, {Noun}>();\n\n  async {verb}({item}: string): Promise<",
        "const {item} = ({other}: number): number => {other} * {small} + ",
        "abstract class {Noun}Base implements {Noun} {{\n  protected constructor(protected {item}: number) {{",
    ],
    "go": [
        "func {verb}({item} int, {other} string) (int, error) {{\n\tif {item} < {number} {{\n\t\treturn ",
        "package {noun}\n\nimport \"fmt\"\n\nfunc main() {{\n\tfmt.Println(\"{verb}\", ",
        "type {Noun} struct {{\n\t{Noun}ID int\n\t{item}   []string\n\t",
        "for i, {item} := range {noun} {{\n\tif {item} == nil {{\n\t\tcontinue\n\t}}\n\t{other} += ",
        "{item}, err := {verb}({other})\nif err != nil {{\n\t",
        "func (n *{Noun}) {verb}() chan int {{\n\t{item} := make(chan int, {number})\n\tgo func() {{\n\t\t",
        "switch {item} := {other}.(type) {{\ncase int:\n\treturn {item} * {small}\ncase ",
    ],
    "rust": [
        "fn {verb}({item}: &str, {other}: usize) -> Option<usize> {{\n    ",
        "struct {Noun} {{\n    {item}: Vec<u32>,\n    {other}: String,\n}}\n\nimpl {Noun} {{\n    pub fn new(",
        "let mut {noun} = Vec::with_capacity({number});\nfor {item} in 0..{number} {{\n    {noun}.push(",
        "match {verb}({item}) {{\n    Ok({other}) => println!(\"{{}}\", {other}),\n    Err(",
        "impl Iterator for {Noun} {{\n    type Item = u{number};\n\n    fn next(&mut self) -> ",
        "let {item}: HashMap<_, _> = {noun}.iter().map(|{other}| ({other}.len(), ",
        "pub trait {Noun} {{\n    fn {verb}(&self) -> Result<(), Box<dyn Error>>;\n    fn ",
    ],
    "cpp": [
        "int {verb}(const std::vector<int>& {noun}, int {item}) {{\n  return ",
        "template <typename T>\nclass {Noun} {{\n public:\n  explicit {Noun}(T {item}) : {item}_(",
        "for (size_t i = 0; i < {noun}.size(); ++i) {{\n  {item} += {noun}[i] * {small};\n  if (",
        "#include <string>\n\nstd::string {verb}(std::string_view {item}) {{\n  std::string {other};\n  ",
        "auto {item} = std::make_unique<{Noun}>({number}, ",
        "std::sort({noun}.begin(), {noun}.end(), [](const auto& a, const auto& b) {{ return a.{item} < ",
        "namespace {noun} {{\n\nenum class {Noun} {{ k{Noun}First = {number}, ",
    ],
}
WORDS = [
    {"verb": "add", "noun": "values", "Noun": "Adder", "item": "a", "other": "b", "number": 10, "small": 2},
    {"verb": "parse", "noun": "tokens", "Noun": "Parser", "item": "text", "other": "position", "number": 64, "small": 3},
    {"verb": "find", "noun": "users", "Noun": "User", "item": "name", "other": "email", "number": 8, "small": 5},
    {"verb": "send", "noun": "queue", "Noun": "Message", "item": "body", "other": "retries", "number": 32, "small": 7},
    {"verb": "load", "noun": "images", "Noun": "Image", "item": "width", "other": "height", "number": 16, "small": 4},
    {"verb": "count", "noun": "words", "Noun": "Counter", "item": "line", "other": "total", "number": 100, "small": 9},
]


def snippets():
    """(language, code) of every template with every set of words."""
    return [(language, template.format(**words)) for language, templates in TEMPLATES.items()
            for template in templates for words in WORDS]
