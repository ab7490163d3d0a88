using System.IO.Compression;
using System.Text;

namespace Berth.EndToEnd.Tests;

/// <summary>A Python package index with packages made here: PEP 503's simple pages and wheels of PEP 427.</summary>
internal static class PackageIndex
{
    /// <summary>The files of an index with these packages, below <c>/simple/</c>.</summary>
    public static Dictionary<string, byte[]> Files(params (string Name, string Version)[] packages)
    {
        Dictionary<string, byte[]> files = [];
        foreach (IGrouping<string, (string Name, string Version)> package in packages.GroupBy(package => package.Name))
        {
            StringBuilder page = new("<!DOCTYPE html><html><body>\n");
            foreach ((string name, string version) in package)
            {
                string file = $"{Module(name)}-{version}-py3-none-any.whl";
                files[$"/files/{file}"] = Wheel(name, version);
                page.Append($"<a href=\"/files/{file}\">{file}</a>\n");
            }
            files[$"/simple/{package.Key}/"] = Encoding.UTF8.GetBytes(page.Append("</body></html>\n").ToString());
        }
        return files;
    }

    private static string Module(string name) => name.Replace('-', '_');

    private static byte[] Wheel(string name, string version)
    {
        string module = Module(name);
        string information = $"{module}-{version}.dist-info";
        using MemoryStream bytes = new();
        using (ZipArchive zip = new(bytes, ZipArchiveMode.Create))
        {
            Add(zip, $"{module}/__init__.py", $"__version__ = \"{version}\"\n");
            Add(zip, $"{information}/METADATA", $"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
            Add(zip, $"{information}/WHEEL", "Wheel-Version: 1.0\nGenerator: berth\nRoot-Is-Purelib: true\nTag: py3-none-any\n");
            Add(zip, $"{information}/RECORD",
                $"{module}/__init__.py,,\n{information}/METADATA,,\n{information}/WHEEL,,\n{information}/RECORD,,\n");
        }
        return bytes.ToArray();
    }

    private static void Add(ZipArchive zip, string path, string content)
    {
        using StreamWriter writer = new(zip.CreateEntry(path).Open());
        writer.Write(content);
    }
}
